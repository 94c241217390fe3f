/usr/bin/python3 -I -B /run/medbuild/conda/conda.py --rattler /run/medbuild/rattler --channel /run/medbuild/channel --packages /run/medbuild/in/packages.txt --prefix @PREFIX@@OPTIONS@
cd @PREFIX@
@SCRIPT@
chmod -R a+rX .
find . -exec touch -h -d @@EPOCH@ {} +
[ ! -x bin/python ] || bin/python -m compileall -qq -j 0 lib || :
