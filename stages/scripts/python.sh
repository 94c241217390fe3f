uv=/run/medbuild/uv/bin/uv
@LINKS@
$uv venv --quiet --no-project --allow-existing@SITE@ --python @PYTHON@ @PREFIX@
$uv pip install --quiet --python @PREFIX@/bin/python --require-hashes --no-deps @WHEELS@ --requirements /run/medbuild/in/requirements.txt
@LOOSE@
@CHECK@
@COMMANDS@
find @PREFIX@ -name '*.a' -delete
find @PREFIX@ -exec touch -h -d @@EPOCH@ {} +
@PREFIX@/bin/python -m compileall -qq -j 0 @PREFIX@/lib || :
@OWN@
