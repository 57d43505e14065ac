#!/bin/sh
# Reading and rewriting 200 CT files in one process: netrt's codec, DCMTK, and cp -r, in turn.
#
#   bench/rewrite.sh [FOLDER]      of image files; without it, the standard phantom's
#
# Prints files a second (best of three turns of five rounds) and the ratios; fails when the codec
# is not 1.3 times as fast as DCMTK.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d "${TMPDIR:-/tmp}/netrt-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT
if [ $# -gt 0 ]; then
	in=$1
else
	build/netrt phantom "$work/phantom" --preset standard >/dev/null
	in=$work/phantom/ct
fi
count=$(find "$in" -maxdepth 1 -type f | wc -l)
mkdir "$work/ours" "$work/theirs"

cp_speed()
{
	rm -rf "$work/cp"
	began=$(date +%s%N)
	cp -r "$in" "$work/cp"
	echo $((count * 1000000000 / ($(date +%s%N) - began)))
}

most()
{
	[ "$1" -gt "$2" ] && echo "$1" || echo "$2"
}

ours=0 theirs=0 plain=0
for turn in 1 2 3; do
	theirs=$(most "$theirs" "$(build/bench/dcmtk_rewrite "$in" "$work/theirs" 5)")
	ours=$(most "$ours" "$(build/bench/bench_rewrite "$in" "$work/ours" 5)")
	for again in 1 2 3; do
		plain=$(most "$plain" "$(cp_speed)")
	done
done
echo "rewriting $count files, files a second: netrt $ours, DCMTK $theirs, cp -r $plain"
awk "BEGIN { r = $ours / $theirs; printf \"netrt / DCMTK: %.2f (wanted: 1.30); netrt / cp -r: %.2f\\n\", r, $ours / $plain; exit r < 1.3 }"
