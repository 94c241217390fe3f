package jupyter

import (
	"embed"
	"encoding/json"
	"fmt"

	"github.com/medbuild/medbuild/llb"
	bk "github.com/moby/buildkit/client/llb"
	image "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

//go:embed files
var files embed.FS

// steps are the layers over the Debian root file system, in their order. Each
// changes what earlier ones made no further, but for the folders it writes to.
func steps() []llb.Step {
	return []llb.Step{
		{Action: "login shells", Script: loginShells},
		{Action: "locale", Script: locale},
		{Action: "account", Script: account},
		{Action: "environment", Script: environment},
		{Action: "notebook packages", Script: packages, Network: true},
		{Action: "kernel", Script: kernel},
		{Action: "work folder", Script: work},
		{Action: "start scripts", Script: scripts},
	}
}

// distribution is what the real base has of the distribution, as far as it can
// matter: octave, TeX and compilers stay out.
func distribution() []string {
	return []string{"bc", "bzip2", "ca-certificates", "git", "gosu", "less", "locales", "passwd", "procps", "python3", "python3-venv", "sudo", "tini", "unzip", "wget", "zip"}
}

// Debian's login shells forget the image's PATH, those of the real base's
// Ubuntu keep it.
const loginShells = `sed -i '/^if \[ "$(id -u)" -eq 0 \]/,/^export PATH$/d' /etc/profile
! grep PATH= /etc/profile`

const locale = `localedef -i en_US -f UTF-8 en_US.UTF-8`

const account = `
useradd --no-log-init --create-home --shell /bin/bash --no-user-group --uid 1000 --gid 100 jovyan
echo 'export PATH="$HOME/.venv/bin:$PATH"' >>/home/jovyan/.bashrc
chmod 755 /home/jovyan
chmod g+w /etc/passwd
mkdir -p /home/jovyan/work /opt/conda/bin /opt/conda/share/jupyter/lab
` + handOver + `/home/jovyan /opt/conda`

// handOver gives trees to the notebook user in the way of the real base: all
// of it writable by the group, folders with set-uid and set-gid bits.
const handOver = `
hand_over() {
	chown -R 1000:100 "$@"
	chmod -R g+rwX "$@"
	find "$@" -type d -exec chmod ug+s {} +
}
hand_over `

const environment = `python3 -m venv /home/jovyan/.venv
` + handOver + `/home/jovyan/.venv`

const packages = `
/home/jovyan/.venv/bin/python -m pip install --quiet --no-cache-dir --no-deps --only-binary :all: --require-hashes -r ` + in + `requirements.txt
/home/jovyan/.venv/bin/python -m pip check
rm -rf /home/jovyan/.venv/share/jupyter/kernels/python3
` + handOver + `/home/jovyan/.venv`

const kernel = `
install -D -m 644 ` + in + `kernel.json /home/jovyan/.local/share/jupyter/kernels/python-maths/kernel.json
` + handOver + `/home/jovyan/.local`

const work = `
cd /home/jovyan/work
cp ` + in + `README.ipynb ` + in + `CHANGELOG.md .
cp ` + in + `requirements.txt .
` + handOver + `/home/jovyan/work
chmod gu-w CHANGELOG.md requirements.txt`

const scripts = `install -D -m 755 -t /docker ` + in + `entrypoint.bash ` + in + `boot_notebook.bash`

// in is where steps find the files.
const in = llb.Run + "/in/"

// root is the image's root file system over that of a Debian release.
func root(debian llb.State) (llb.State, error) {
	given, err := folder()
	if err != nil {
		return debian, err
	}
	on := llb.Apt{Component: "jupyter", Action: "distribution packages", On: debian, Distribution: "debian-13", Packages: distribution()}.Root()
	for _, s := range steps() {
		s.Component, s.On = "jupyter", on
		s.Inputs = []llb.Mount{{Target: in, State: given}}
		on = s.Root()
	}
	return on, nil
}

// folder is the files as a state.
func folder() (llb.State, error) {
	entries, err := files.ReadDir("files")
	if err != nil {
		return llb.Scratch(), err
	}
	all := map[string][]byte{}
	for _, e := range entries {
		if all[e.Name()], err = files.ReadFile("files/" + e.Name()); err != nil {
			return llb.Scratch(), err
		}
	}
	return llb.Folder("files of the notebook base", all), nil
}

// config is the image's configuration: the real base's, as far as it is known,
// with Debian's packages.
func config() ([]byte, error) {
	img := image.DockerOCIImage{Image: ocispecs.Image{Platform: ocispecs.Platform{OS: "linux", Architecture: "amd64"}}}
	img.RootFS.Type = "layers"
	img.Config.User = "root"
	img.Config.WorkingDir = "/home/jovyan"
	img.Config.Entrypoint = []string{"/bin/bash", "/docker/entrypoint.bash"}
	img.Config.ExposedPorts = map[string]struct{}{"8888/tcp": {}}
	img.Config.Labels = map[string]string{"maintainer": "the tests of medbuild"}
	img.Config.Env = []string{
		"PATH=/opt/conda/bin:" + llb.DefaultPath,
		"DEBIAN_FRONTEND=noninteractive", "CONDA_DIR=/opt/conda", "SHELL=/bin/bash",
		"NB_USER=jovyan", "NB_UID=1000", "NB_GID=100", "HOME=/home/jovyan",
		"LC_ALL=en_US.UTF-8", "LANG=en_US.UTF-8", "LANGUAGE=en_US.UTF-8",
		"JUPYTER_ENABLE_LAB=yes", "NOTEBOOK_TOKEN=", "NOTEBOOK_BASE_DIR=/home/jovyan/work",
		"XDG_CACHE_HOME=/home/jovyan/.cache/", "JP_LSP_VIRTUAL_DIR=/home/jovyan/.virtual_documents",
	}
	data, err := json.Marshal(img)
	if err != nil {
		return nil, fmt.Errorf("configuration of the notebook base: %w", err)
	}
	return data, nil
}

// platform is the one that the recipe's wheels are for.
func platform() bk.ConstraintsOpt { return bk.LinuxAmd64 }
