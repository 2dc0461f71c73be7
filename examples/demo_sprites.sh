#!/bin/sh
# From drawn sprites to a sheet of generated ones, in the folder demo/: each line is a command that a
# user would type. You may stop it at any time. The same command continues it.
set -eu
minutes=${MINUTES:-8}
mkdir -p demo

echo "== 1/5 draw tagged sprites"
[ -e demo/sprites.zip ] || ganport dataset draw sprites --count 8064 --size 32 --out demo/sprites.zip

echo "== 2/5 train for $minutes minutes"
if [ -e demo/sprites/config.toml ]; then
    train-gan --resume demo/sprites --set length.minutes="$minutes"
else
    train-gan sprites --data demo/sprites.zip --out demo/sprites \
        --set length.minutes="$minutes" --set logging.checkpoint_minutes=2
fi

echo "== 3/5 export, through every gate"
export-gan demo/sprites --format bundle --out demo/sprites.ganport --name sprites --force

echo "== 4/5 verify the bundle"
ganport verify demo/sprites.ganport

echo "== 5/5 make a sheet: demo/sprites.png"
sample-gan list demo/sprites.ganport \
    "archer class blonde hair green outfit red weapon" \
    "barbarian class red hair purple outfit steel weapon" \
    "cleric class pink hair blue outfit gold weapon" \
    "knight class brown hair red outfit blue weapon" \
    "mage class white hair purple outfit green weapon" \
    "rogue class black hair orange outfit steel weapon" \
    --seed 3 --count 8 --scale 3 --out demo/sprites.png

echo "The same from the shipped bundle: sample-gan matrix starter-sprites --rows class --columns hair --out starter.png"
