//go:build linux

package images

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
)

// notebookService is the name of the bare base in the tests' Docker.
const notebookService = "medbuild/jupyter-base:test"

// voilaNotebook shows the sum of two numbers that are not in its text.
const voilaNotebook = `{
 "cells": [{"cell_type": "code", "execution_count": null, "id": "sum", "metadata": {}, "outputs": [],
  "source": ["import pandas\n", "print('sum', pandas.Series([20, 22]).sum())"]}],
 "metadata": {"kernelspec": {"display_name": "python (maths)", "language": "python", "name": "python-maths"}},
 "nbformat": 4,
 "nbformat_minor": 5
}`

// TestJupyterService starts the bare base as the platform starts the service:
// what other tests find in images made from it is the images' doing.
func TestJupyterService(t *testing.T) {
	if testing.Short() {
		t.Skip("installs JupyterLab; run without -short")
	}
	base := jupyterBase(t)
	d := kit.StartDocker(t, kit.DockerSetup{})
	loadLayout(t, d, base, notebookService)
	t.Run("lab", func(t *testing.T) {
		s := startService(t, d, serviceSetup{Image: notebookService})
		checkLab(t, s)
		if code := s.stop(t); code != "0" {
			t.Errorf("told to stop, the service ended with %s", code)
		}
	})
	t.Run("voila", func(t *testing.T) {
		s := startService(t, d, serviceSetup{Image: notebookService, Voila: true, Workspace: map[string]string{"voila.ipynb": voilaNotebook}})
		if status, page := s.get(t, "/"); status != http.StatusOK || !strings.Contains(page, "sum 42") {
			t.Errorf("Voila answers %d: %s", status, kit.Last(20, page))
		}
		if status, _ := s.get(t, "/lab"); status == http.StatusOK {
			t.Error("JupyterLab answers beside Voila")
		}
	})
	t.Run("refused", func(t *testing.T) { checkRefused(t, d) })
	t.Run("root's folders", func(t *testing.T) {
		s := runService(t, d, serviceSetup{Image: notebookService, Owner: -1, Options: nobodyStarts})
		s.ended(t)
		if log := s.log(t); !strings.Contains(log, "groups=100(users),0(root)") {
			t.Errorf("the notebook user is not in root's group: %s", log)
		}
	})
	t.Run("a group that exists", func(t *testing.T) {
		s := runService(t, d, serviceSetup{Image: notebookService, Owner: 33, Options: nobodyStarts})
		s.ended(t)
		if log := s.log(t); !strings.Contains(log, "groups=100(users),33(www-data)") {
			t.Errorf("the notebook user is not in the folders' group: %s", log)
		}
	})
}

// nobodyStarts has the boot script say who it runs as, and nothing more.
var nobodyStarts = []string{"--volume", "/usr/bin/id:/docker/boot_notebook.bash:ro"}

// checkLab uses JupyterLab in the ways that users have: notebooks, terminals,
// pip, and what the platform sees.
func checkLab(t *testing.T, s *service) {
	t.Helper()
	for _, at := range []string{"/api", "/lab"} {
		if status, body := s.get(t, at); status != http.StatusOK {
			t.Errorf("%s answers %d: %s", at, status, body)
		}
	}
	checkKernels(t, s, "python (maths)")
	checkWork(t, s)
	const python = "/home/jovyan/.venv/bin/python"
	out := s.runNotebook(t, "import sys, os, pandas, sklearn, matplotlib\nsys.executable", "print(os.getuid(), os.getgid(), os.getgroups(), os.getcwd())")
	want := []string{"'" + python + "'\n", "1000 100 [8004] /home/jovyan/work/workspace\n"}
	if !slices.Equal(out, want) {
		t.Errorf("the notebook printed %q, want %q", out, want)
	}
	if _, err := s.kernel(t).run("1 / 0"); err == nil || !strings.Contains(err.Error(), "ZeroDivisionError") {
		t.Errorf("an exception is %v", err)
	}
	which := "command -v python; id -u"
	if r := s.login(t, which).OK(t); r.Stdout != python+"\n1000\n" {
		t.Errorf("a login shell says %q", r.Stdout)
	}
	if out := s.terminal(t, which); !strings.Contains(out, python+"\r\n1000\r\n") {
		t.Errorf("a terminal says %q", out)
	}
	checkPip(t, s)
	s.exec(t, "/home/jovyan/.venv/bin/jupyter", "execute", "--inplace", workFolder+"/workspace/README.ipynb").OK(t)
}

// checkKernels wants the one kernel that users see, under its name.
func checkKernels(t *testing.T, s *service, name string) {
	t.Helper()
	var specs struct {
		Kernels map[string]struct {
			Spec struct {
				Name string `json:"display_name"`
			} `json:"spec"`
		} `json:"kernelspecs"`
	}
	_, body := s.get(t, "/api/kernelspecs")
	kit.NoError(t, json.Unmarshal([]byte(body), &specs))
	if len(specs.Kernels) != 1 || specs.Kernels[kernelID].Spec.Name != name {
		t.Errorf("the kernels are %s", body)
	}
}

// checkPip installs a package from a notebook, in the words of the service's
// guide, and looks at JupyterLab afterwards.
func checkPip(t *testing.T, s *service) {
	t.Helper()
	const wheel = "small-1.0-py3-none-any.whl"
	kit.WriteFile(t, filepath.Join(s.dir, "inputs", wheel), string(kit.Zip(t, map[string]string{
		"small/__init__.py":            "answer = 42\n",
		"small-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n",
		"small-1.0.dist-info/WHEEL":    "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		"small-1.0.dist-info/RECORD":   "small/__init__.py,,\nsmall-1.0.dist-info/METADATA,,\nsmall-1.0.dist-info/WHEEL,,\nsmall-1.0.dist-info/RECORD,,\n",
	})))
	out := s.runNotebook(t, "import sys\n!{sys.executable} -m pip install --no-index "+workFolder+"/inputs/"+wheel, "import small; small.answer")
	if out[1] != "42\n" {
		t.Errorf("after pip install the package says %q: %s", out[1], out[0])
	}
	if out := s.runNotebook(t, "import small, sys; sys.executable == small.__spec__.origin.split('/lib/')[0] + '/bin/python'"); out[0] != "True\n" {
		t.Errorf("a new kernel has the package from elsewhere: %q", out[0])
	}
	if status, body := s.get(t, "/lab"); status != http.StatusOK {
		t.Errorf("after pip install /lab answers %d: %s", status, body)
	}
}

// checkWork wants the work folder as the entrypoint leaves it.
func checkWork(t *testing.T, s *service) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(s.dir, "workspace/README.ipynb")); err != nil {
		t.Error(err)
	}
	r := s.exec(t, "sh", "-c", `cd work; ls; stat -c '%n %u:%g %A' . inputs outputs workspace; touch outputs/a workspace/b ../c ../.jupyter/d; ! touch e`)
	want := "CHANGELOG.md\ninputs\noutputs\nrequirements.txt\nworkspace\n" +
		". 1000:100 dr-sr-sr-x\ninputs 1000:8004 drwxr-xr-x\noutputs 1000:8004 drwxr-xr-x\nworkspace 1000:8004 drwxr-xr-x\n"
	if r.OK(t).Stdout != want {
		t.Errorf("the work folder is %s, want %s", r.Stdout, want)
	}
}

// checkRefused starts the service as the platform never does.
func checkRefused(t *testing.T, d *kit.Docker) {
	t.Helper()
	s := runService(t, d, serviceSetup{Image: notebookService, Options: []string{"--env", "DY_SIDECAR_PATH_INPUTS=/srv"}})
	if code := s.ended(t); code == "0" || !strings.Contains(s.log(t), "/srv is not mounted") {
		t.Errorf("without a mounted folder it ended with %s: %s", code, s.log(t))
	}
	s = runService(t, d, serviceSetup{Image: notebookService, Options: []string{"--env", "DY_SIDECAR_PATH_INPUTS=/srv", "--tmpfs", "/srv"}})
	if code := s.ended(t); code == "0" || !strings.Contains(s.log(t), "differ in owner or group") {
		t.Errorf("with folders of two owners it ended with %s: %s", code, s.log(t))
	}
}
