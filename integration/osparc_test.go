package integration

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/crane"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
)

// services are the targets of the example and the folders of their services.
var services = map[string]string{"production": "jupyter-medimproc", "runner": "runner-medimproc", "runner-slim": "runner-medimproc-slim"}

// pythonWithYAML is a Python that has PyYAML.
func pythonWithYAML(t *testing.T) string {
	t.Helper()
	for _, p := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(p, "-c", "import yaml").Run() == nil {
			return p
		}
	}
	t.Skip("no Python has PyYAML (make tools installs it)")
	return ""
}

// checkout makes the folder a repository with one commit and returns that.
func checkout(t *testing.T, dir string) string {
	t.Helper()
	t.Setenv("GIT_AUTHOR_DATE", "2026-08-31T14:00:00+0200")
	t.Setenv("GIT_COMMITTER_DATE", "2026-08-31T14:00:00+0200")
	for _, args := range [][]string{
		{"init", "-q"}, {"add", "."},
		{"-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-q", "-m", "all"},
		{"remote", "add", "origin", "https://me:word@example.org/service.git"},
	} {
		kit.Tool(t, dir, "git", args...)
	}
	return strings.TrimSpace(kit.Tool(t, dir, "git", "rev-parse", "HEAD"))
}

// TestOsparcLabels builds the example's services and holds their labels against
// those that a script of its own makes of the same files.
func TestOsparcLabels(t *testing.T) {
	if testing.Short() {
		t.Skip("builds three images; run without -short")
	}
	python := pythonWithYAML(t)
	kit.SharedEngine(t)
	t.Setenv("SOURCE_DATE_EPOCH", "")
	dir := standins.Osparc(t)
	commit := checkout(t, dir)
	args := []string{"build", "--progress", "plain", "--label", "simcore.service.mine=1", "--output", "type=oci,tar=false,dest=out/{target}"}
	for target := range services {
		args = append(args, "--target", target)
	}
	r := kit.Finish(t, kit.In(dir, kit.Command(t, args...))).OK(t)
	for target, folder := range services {
		want := scriptLabels(t, python, filepath.Join(dir, ".osparc", folder))
		img := kit.OpenLayout(t, filepath.Join(dir, "out", target))
		got := kit.Must(img.ConfigFile())(t).Config.Labels
		for k, v := range want {
			if got[k] != v {
				t.Errorf("%s: label %s\ngot  %s\nwant %s", target, k, got[k], v)
			}
		}
		if len(want) < 10 {
			t.Errorf("%s: the script made %d labels only", target, len(want))
		}
		checkOrigin(t, got, want, commit)
		if name := imageName(want) + ":1.5.0@"; !strings.Contains(r.Stdout, name) {
			t.Errorf("no image %s in\n%s", name, r.Stdout)
		}
	}
}

func scriptLabels(t *testing.T, python, folder string) map[string]string {
	t.Helper()
	labels := map[string]string{}
	out := kit.Finish(t, exec.Command(python, "osparc_labels.py", folder)).OK(t).Stdout
	if err := json.Unmarshal([]byte(out), &labels); err != nil {
		t.Fatal(err)
	}
	return labels
}

// checkOrigin wants the labels of the checkout, and none for the platform but
// the script's and the command line's.
func checkOrigin(t *testing.T, got, script map[string]string, commit string) {
	t.Helper()
	for k, want := range map[string]string{
		"org.label-schema.schema-version": "1.0",
		"org.label-schema.build-date":     "2026-08-31T12:00:00+0000",
		"org.label-schema.vcs-ref":        commit,
		"org.label-schema.vcs-url":        "https://example.org/service.git",
		"simcore.service.mine":            "1",
	} {
		if got[k] != want {
			t.Errorf("label %s is %q, want %q", k, got[k], want)
		}
	}
	for k := range got {
		if _, ok := script[k]; !ok && strings.Contains(k, "simcore") && k != "simcore.service.mine" {
			t.Errorf("there is a label %s", k)
		}
	}
}

func imageName(labels map[string]string) string {
	var v struct{ Key string }
	_ = json.Unmarshal([]byte(labels["io.simcore.key"]), &v)
	return v.Key
}

// TestOneManifest wants an image to be one manifest that tells its media type,
// OCI's or Docker's, wherever it goes: the platform takes the first manifest of
// an index, whatever that is.
func TestOneManifest(t *testing.T) {
	if testing.Short() {
		t.Skip("builds three images; run without -short")
	}
	kit.SharedEngine(t)
	t.Setenv("SOURCE_DATE_EPOCH", "1788177600")
	dir := standins.Osparc(t)
	host := kit.RegistryHost(t)
	oci, docker := types.OCIManifestSchema1, types.DockerManifestSchema2
	for _, tt := range []struct {
		output string
		want   types.MediaType
		layer  types.MediaType
	}{
		{"type=image,push=true", oci, types.OCILayerZStd},
		{"type=image,push=true,oci-mediatypes=false", docker, types.DockerLayer},
		{"type=oci,tar=false,dest=oci", oci, types.OCILayerZStd},
	} {
		t.Run(tt.output, func(t *testing.T) {
			name := host + "/simcore/services/comp/runner-medimproc:1.5.0"
			kit.Finish(t, kit.In(dir, kit.Command(t, "build", "--progress", "plain", "--target", "runner", "--tag", name, "--output", tt.output))).OK(t)
			var manifest []byte
			if _, dest, ok := strings.Cut(tt.output, "dest="); ok {
				dest, _, _ = strings.Cut(dest, ",")
				manifest = kit.Must(kit.OpenLayout(t, filepath.Join(dir, dest)).RawManifest())(t)
			} else {
				manifest = kit.Must(crane.Manifest(name))(t)
			}
			checkManifest(t, manifest, tt.want, tt.layer)
		})
	}
}

func checkManifest(t *testing.T, text []byte, want, layer types.MediaType) {
	t.Helper()
	var m v1.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	if m.MediaType != want || len(m.Layers) < 2 || m.SchemaVersion != 2 {
		t.Errorf("not one manifest of the type %s: %s", want, text)
	}
	for _, l := range m.Layers {
		if l.MediaType != layer {
			t.Errorf("layer of the type %s, want %s", l.MediaType, layer)
		}
	}
}
