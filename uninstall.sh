#!/bin/sh
# uninstall.sh PREFIX: remove what `make install` put there (with DESTDIR before it), by the list that it left: the files, and
# the folders that it made where nothing else is in them.
set -eu
prefix=${1%/}
case $prefix in
/* | '') ;;
*) prefix=$PWD/$prefix ;;
esac
manifest=$prefix/share/lamina/manifest
if [ ! -f "$manifest" ]; then
    echo "uninstall: there is no $manifest, so lamina was not installed there by make install." >&2
    echo "Name the place that it was installed to: make uninstall PREFIX=... DESTDIR=..." >&2
    exit 1
fi
list=$(cat "$manifest")
count=0
while IFS= read -r path; do
    from=$prefix path=${path#./}
    while [ "${path#../}" != "$path" ]; do # the prefix itself goes, so that ".." is taken off by its name
        from=${from%/*} path=${path#../}
    done
    case $path in
    */ | '') rmdir "$from${path:+/}${path%/}" 2>/dev/null || : ;;
    *)
        rm -f "$from/$path"
        count=$((count + 1))
        ;;
    esac
done <<END
$list
END
echo "removed $count files from $prefix"
