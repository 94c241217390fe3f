#!/bin/bash
# The notebook user's part: settings, then JupyterLab or Voila on port 8888.
set -euo pipefail

workspace=$NOTEBOOK_BASE_DIR/workspace
config=$HOME/.jupyter_config.json

# shellcheck disable=SC1091 # not here, but in the image
. "$HOME/.venv/bin/activate"

find "$NOTEBOOK_BASE_DIR" -name '*.ipynb' -not -path '*/.*' -exec jupyter trust {} +

cat >"$config" <<END
{
  "FileCheckpoints": {"checkpoint_dir": "$HOME/.ipynb_checkpoints"},
  "IdentityProvider": {"token": "$NOTEBOOK_TOKEN"},
  "KernelSpecManager": {"allowed_kernelspecs": ["python-maths", "octave"], "ensure_native_kernel": false},
  "ServerApp": {
    "ip": "0.0.0.0", "port": 8888, "port_retries": 0, "open_browser": false,
    "root_dir": "$NOTEBOOK_BASE_DIR", "preferred_dir": "$workspace", "quit_button": false
  }
}
END

mkdir -p "$HOME/.jupyter/custom"
echo '#header-container { display: none; }' >"$HOME/.jupyter/custom/custom.css"
echo '{"@jupyterlab/apputils-extension:themes": {"theme": "JupyterLab Light"}}' >/opt/conda/share/jupyter/lab/overrides.json

cd "$workspace"
if [ "${DY_BOOT_OPTION_BOOT_MODE:-0}" = 1 ]; then
	exec voila "$workspace/voila.ipynb" --Voila.ip=0.0.0.0 --port=8888 --no-browser
fi
exec jupyter lab --config="$config" --LabApp.default_url=/lab/tree/workspace/README.ipynb
