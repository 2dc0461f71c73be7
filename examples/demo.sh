#!/bin/sh
# The whole way once, in the folder demo/: every line is a command a user would type.
# Stop it whenever you like: what is finished is kept, and the training goes on where it stopped.
set -eu
minutes=${MINUTES:-5}
mkdir -p demo

echo "== 1/6 draw tagged faces"
[ -e demo/faces.zip ] || ganport dataset draw faces --count 4800 --size 64 --out demo/faces.zip

echo "== 2/6 train for $minutes minutes"
if [ -e demo/run/config.toml ]; then
    train-gan --resume demo/run --set length.minutes="$minutes"
else
    train-gan quick --data demo/faces.zip --out demo/run \
        --set length.minutes="$minutes" --set logging.checkpoint_minutes=1
fi

echo "== 3/6 export, through every gate"
export-gan demo/run --checkpoint latest --format bundle --out demo/faces.ganport --name faces --force

echo "== 4/6 verify the bundle"
ganport verify demo/faces.ganport

echo "== 5/6 draw a sheet from it: demo/matrix.png"
sample-gan matrix demo/faces.ganport --rows hair --columns eyes --seed 7 --out demo/matrix.png

echo "== 6/6 measure the colours it draws"
eval-gan colors demo/faces.ganport --seeds 8

echo "The same draws from the bundle that ships along: sample-gan matrix starter --rows hair --columns eyes --out starter.png"
