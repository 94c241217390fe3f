# shellcheck disable=SC1091,SC2129 # the file is the base's; a line for each fact reads best
out=@OUT@
. /etc/os-release
echo "distribution=${ID:-}" >$out
echo "release=${VERSION_ID:-}" >>$out
echo "libc=$(ldd --version 2>/dev/null | sed -nE '1s/.* ([0-9]+\.[0-9]+)$/\1/p')" >>$out
echo "python=$(/usr/bin/python3 -c 'import sys; print(sys.version.split()[0])' 2>/dev/null)" >>$out
mirrors() { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | sed -nE 's/^deb +(\[[^]]*\] +)?(https?:[^ ]+) .*/\2/p'
  sed -nE 's/^URIs: *([^ ]+).*/\1/p' /etc/apt/sources.list.d/*.sources 2>/dev/null; }
echo "mirror=$(mirrors | grep -v security | head -n 1)" >>$out
for d in /* /usr/* /var/* /opt/* /home/*; do
  if [ -L "$d" ] && [ -d "$d" ]; then echo "link=$d $(readlink "$d")" >>$out; fi
done
licensed / -xdev | sed 's/^/licence=/' >>$out
