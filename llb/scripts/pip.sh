echo '@NAME@==@VERSION@ --hash=sha256:@SHA@' >/tmp/@NAME@.txt
/usr/bin/python3 -m pip install --quiet --no-cache-dir --no-compile --no-deps --only-binary :all: --require-hashes --target @TO@ -r /tmp/@NAME@.txt
