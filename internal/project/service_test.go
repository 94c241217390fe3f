package project

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/osparc"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages"
	"github.com/medbuild/medbuild/stages/stage"
)

// serviceFiles are the files of the service, as it is and with newer versions,
// with the release of each of their bases.
var serviceFiles = map[string]map[string]stage.Facts{
	"../../components.toml":                  {"jupyter": focal, "noble": noble},
	"../../examples/updated/components.toml": {"jupyter": noble, "noble": noble, "jammy": jammy},
}

var (
	focal = stage.Facts{Distribution: "ubuntu", Release: "20.04", Libc: "2.31", Layers: 32}
	jammy = stage.Facts{Distribution: "ubuntu", Release: "22.04", Libc: "2.35", Layers: 1}
	noble = stage.Facts{Distribution: "ubuntu", Release: "24.04", Libc: "2.39", Layers: 1}
)

// unpublished is what has no published checksum, by the ends of addresses. What
// gets one leaves this list; nothing else may join it unseen.
var unpublished = map[string][]string{
	"../../components.toml": {
		"24.11.2-1/Miniforge3-Linux-x86_64.sh", "2.4.4/ants-2.4.4-ubuntu-20.04-X64-gcc.zip", "c3d-1.0.0-Linux-x86_64.tar.gz/download", "osf.io/73h5s/download",
		"torchvision-0.20.1%2Bcpu-cp39-cp39-linux_x86_64.whl",
		"ubuntu-20.04/wxpython-4.2.3-cp39-cp39-linux_x86_64.whl", "ubuntu-24.04/wxpython-4.2.3-cp312-cp312-linux_x86_64.whl",
	},
	"../../examples/updated/components.toml": {
		"24.11.2-1/Miniforge3-Linux-x86_64.sh",
		"c3d-1.0.0-Linux-x86_64.tar.gz/download", "osf.io/73h5s/download",
		"torchvision-0.20.1%2Bcpu-cp310-cp310-linux_x86_64.whl", "ubuntu-22.04/wxpython-4.2.3-cp310-cp310-linux_x86_64.whl",
		"torchvision-0.22.0%2Bcpu-cp312-cp312-manylinux_2_28_x86_64.whl", "ubuntu-24.04/wxpython-4.2.3-cp312-cp312-linux_x86_64.whl",
	},
}

// TestServiceFiles puts every image of the service together on bases as they
// are known to be, which is all that can be done of them without a network.
func TestServiceFiles(t *testing.T) {
	t.Parallel()
	for name, facts := range serviceFiles {
		t.Run(path.Base(path.Dir(name)), func(t *testing.T) {
			p := opened(t, name)
			loose := map[string]bool{}
			for _, img := range assembledOn(t, p, facts) {
				checkService(t, img.Name, img.Image)
				for _, p := range img.Parts {
					for _, in := range p.Inputs {
						if !in.Pinned() {
							loose[in.Address] = true
						}
					}
				}
			}
			checkLoose(t, loose, unpublished[name])
		})
	}
}

func assembledOn(t *testing.T, p *Project, facts map[string]stage.Facts) []Image {
	t.Helper()
	all := known{}
	for _, b := range p.Bases {
		f, ok := facts[b.Name]
		if !ok {
			t.Fatalf("what base %s is, is not stated here", b.Name)
		}
		all[b.Name] = stage.Base{Name: b.Name, Reference: b.Reference(), Root: llb.Image(b.Image), Facts: f}
	}
	images, err := Assemble(t.Context(), p.Targets, all, Options{AllowUnpinned: true, Created: time.Unix(1717200000, 0),
		Origin: func() osparc.Origin { return osparc.Origin{Built: time.Unix(1717200000, 0)} }})
	if err != nil {
		t.Fatal(err)
	}
	for _, img := range images {
		if marshalled(t, img.State) == 0 {
			t.Errorf("%s has an empty definition", img.Name)
		}
	}
	return images
}

// checkService wants what the service promises of each of its images.
func checkService(t *testing.T, target string, img assemble.Image) {
	t.Helper()
	want := []string{"ants", "art", "c3d", "freesurfer", "fsl", "mrtrix3", "python", "sct", "synb0"}
	if target == "runner-slim" {
		want = slices.DeleteFunc(want, func(s string) bool { return s == "sct" })
	}
	var got []string
	for _, p := range img.Parts {
		if p.Common.Stage == "apt" || p.Common.Stage == "files" {
			continue // what the service adds to the tools
		}
		got = append(got, p.Common.Stage)
		if !strings.HasPrefix(p.Prefix, "/opt/") {
			t.Errorf("%s: the prefix of %s is %s", target, p.Name, p.Prefix)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%s has %q, want %q", target, got, want)
	}
	if n := img.LayerCount(); n >= 50 {
		t.Errorf("%s has %d layers", target, n)
	}
}

func checkLoose(t *testing.T, loose map[string]bool, want []string) {
	t.Helper()
	for _, end := range want {
		n := len(loose)
		for address := range loose {
			if strings.HasSuffix(address, end) {
				delete(loose, address)
			}
		}
		if len(loose) == n {
			t.Errorf("nothing unpinned ends in %s", end)
		}
	}
	for address := range loose {
		t.Errorf("%s is not pinned", address)
	}
}

// TestServiceRefused: a build of the service says all that it wants pinned.
func TestServiceRefused(t *testing.T) {
	t.Parallel()
	for name, want := range unpublished {
		p := opened(t, name)
		err := Refused(p.Targets, known{})
		if err == nil {
			t.Fatalf("%s would be built", name)
		}
		said := problem.Text(err)
		for _, b := range p.Bases {
			want = append(want, "base "+b.Name+": image "+b.Image)
		}
		for _, text := range want {
			if !strings.Contains(said, text+" is not pinned\n") {
				t.Errorf("nothing of %s in\n%s", text, said)
			}
		}
		refused := regexp.MustCompile(`\S+ is not pinned`).FindAllString(said, -1)
		slices.Sort(refused) // two locks may have the same line
		if n := len(slices.Compact(refused)); n != len(want) {
			t.Errorf("%d are refused, want %d:\n%s", n, len(want), said)
		}
	}
}

// TestServiceIsUnfilled: authors and contact of the service are its owner's, and
// nobody stands in for them in an image that is not called a placeholder.
func TestServiceIsUnfilled(t *testing.T) {
	t.Parallel()
	p := opened(t, "../../components.toml")
	said := problem.Text(Unfilled(p.Targets))
	for _, folder := range []string{"jupyter-medimproc", "runner-medimproc", "runner-medimproc-slim"} {
		for _, key := range []string{"name", "email", "affiliation", "contact"} {
			if !regexp.MustCompile(`service/osparc/` + folder + `/metadata.yml:\d+:\d+: ` + key + ` of the service is not filled in\n`).MatchString(said) {
				t.Errorf("nothing of %s of %s in\n%s", key, folder, said)
			}
		}
	}
	if err := Unfilled(opened(t, "../../examples/osparc/components.toml").Targets); err != nil {
		t.Errorf("a placeholder is refused: %v", err)
	}
}

// TestServicePorts: what pipelines connect to are four inputs and four outputs of
// each image.
func TestServicePorts(t *testing.T) {
	t.Parallel()
	for _, target := range opened(t, "../../components.toml").Targets {
		for label, key := range map[string]string{"inputs": "input_", "outputs": "output_"} {
			var ports map[string]map[string]map[string]any
			if err := json.Unmarshal([]byte(target.settings.Osparc.Labels["io.simcore."+label]), &ports); err != nil {
				t.Fatal(err)
			}
			if n := len(ports[label]); n != 4 {
				t.Errorf("%s has %d %s", target.Name, n, label)
			}
			for i := range 4 {
				name := key + strconv.Itoa(i+1)
				if p := ports[label][name]; p["type"] != "data:*/*" || p["displayOrder"] != float64(i+1) {
					t.Errorf("%s: %s is %v", target.Name, name, p)
				}
			}
		}
	}
}

// TestServicePythonDraws: packages that are there and do not start are found when
// they are built.
func TestServicePythonDraws(t *testing.T) {
	t.Parallel()
	for name := range serviceFiles {
		all := toolsOf[*stages.Python](t, name)
		for _, p := range all {
			said := strings.Join(p.Smoke, "\n")
			for _, want := range []string{"import torch, torchvision, wx, fsleyes", "fsleyes render", "PYOPENGL_PLATFORM=osmesa"} {
				if !strings.Contains(said, want) {
					t.Errorf("%s: the checks of %s have no %q", name, p.Name, want)
				}
			}
		}
		if len(all) < 2 {
			t.Errorf("%s has %d environments", name, len(all))
		}
	}
}

// toolsOf is the components of a file that a stage makes.
func toolsOf[T any](t *testing.T, name string) []T {
	t.Helper()
	var out []T
	for _, c := range opened(t, name).Components {
		if tool, ok := any(c.Tool).(T); ok {
			out = append(out, tool)
		}
	}
	return out
}

// TestServiceMRtrix3: the pipelines call some twenty programs of MRtrix3. The
// service compiles all there are, which the tests' stand-in cannot show.
func TestServiceMRtrix3(t *testing.T) {
	t.Parallel()
	for name := range serviceFiles {
		all := toolsOf[*stages.MRtrix3](t, name)
		for _, m := range all {
			if len(m.Commands) > 0 || m.GUI { // docs/migration.md: no mrview
				t.Errorf("%s: %s compiles %q alone, windows %v", name, m.Name, m.Commands, m.GUI)
			}
		}
		if len(all) == 0 {
			t.Errorf("%s has no MRtrix3", name)
		}
	}
}

// TestLicenceIsRefusedAtOnce: a licence that is not accepted is told beside what
// nothing pins.
func TestLicenceIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	p := opened(t, "../../components.toml", "fsl.accept_licence=false")
	said := problem.Text(Refused(p.Targets[:1], known{}))
	for _, want := range []string{": fsl: FSL's licence", "hint: read it on FSL's website", "ants: source https://"} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing of %q in\n%s", want, said)
		}
	}
}
