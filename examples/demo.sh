#!/bin/sh
# The whole way once, in the folder demo/: each line is a command that a user would type.
# You may stop it at any time. The same command continues it.
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

echo "== 5/6 make a sheet: demo/matrix.png"
sample-gan matrix demo/faces.ganport --rows hair --columns eyes --seed 7 --out demo/matrix.png

echo "== 6/6 measure the colors of its images"
eval-gan colors demo/faces.ganport --seeds 8

echo "The same sheet from the shipped bundle: sample-gan matrix starter --rows hair --columns eyes --out starter.png"
