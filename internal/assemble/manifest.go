package assemble

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
)

// ManifestPath is where the version manifest lies in every image.
const ManifestPath = "/VERSION_MANIFEST.txt"

// manifestName is whose the manifest's steps are, as they are shown.
const manifestName = string(llb.OfManifest)

// answersFolder is where a component's answers lie, one file for each section.
const answersFolder = llb.Run + "/answers"

// tested asks a component its versions and runs its smoke tests on a root file
// system that has no other component, so that a change of one component tests
// no other. The versions come first: a release other than the one stated fails
// tests for reasons that mislead.
func tested(s stage.Stage, root llb.State, env []string) llb.State {
	var script strings.Builder
	fmt.Fprintf(&script, "out=%s\n%s", answersFolder, stage.LicensedScript+stage.AskScript)
	if places := s.Holds(); len(places) > 0 {
		fmt.Fprintf(&script, "free %s\n", strings.Join(places, " "))
	}
	for _, q := range s.Questions {
		fmt.Fprintf(&script, "ask %s %s %s %s %s\n", q.Key, q.Section.File(), stage.Quote(q.Want), stage.Quote(q.Command), stage.Quote(q.Pattern))
	}
	for _, c := range s.Smoke {
		fmt.Fprintf(&script, "check %s\n", stage.Quote(c.Command))
	}
	return llb.Step{Component: s.Name, Action: "test", On: root, Env: env,
		Script: script.String(), At: here()}.Output(answersFolder)
}

// apartInManifest gives components of one stage lines of their own in the version
// manifest, named after the component: FREESURFER6_VERSION, FREESURFER7_VERSION.
// Where a component has several lines its name goes before each.
func apartInManifest(all []stage.Stage) []stage.Stage {
	times := map[string]int{}
	for _, s := range all {
		for _, q := range s.Questions {
			times[q.Key]++
		}
	}
	out := slices.Clone(all)
	for i, s := range out {
		out[i].Questions = slices.Clone(s.Questions)
		for j, q := range s.Questions {
			if times[q.Key] > 1 && s.Name != s.Common.Stage {
				out[i].Questions[j].Key = ownKey(s, q.Key)
			}
		}
	}
	return out
}

func ownKey(s stage.Stage, key string) string {
	name := strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
	if len(s.Questions) == 1 {
		return name + "_VERSION"
	}
	return name + "_" + key
}

// Manifest is what the version manifest says beside the components' answers.
type Manifest struct {
	Service   string // SERVICE_VERSION
	Base      string // BASE_IMAGE
	Generated string // date; "" leaves the line out

	notices string // the text at NoticesPath; "" leaves the file out
	login   string // the text at LoginPath; "" leaves the file out
}

func (m Manifest) head() string {
	var b strings.Builder
	fmt.Fprintln(&b, "# Medical Image Processing Service Version Manifest")
	if m.Generated != "" {
		fmt.Fprintln(&b, "# Generated:", m.Generated)
	}
	fmt.Fprintf(&b, "\nSERVICE_VERSION=%s\nBASE_IMAGE=%s\n", m.Service, m.Base)
	return b.String()
}

// texts are the files that are known before any component has answered.
func (m Manifest) texts() llb.State {
	files := map[string][]byte{"head": []byte(m.head())}
	for name, text := range map[string]string{"notices": m.notices, "login": m.login} {
		if text != "" {
			files[name] = []byte(text)
		}
	}
	return llb.Folder("write head", files)
}

// layer puts the answers under the manifest's headings, in the order of the
// components.
func (m Manifest) layer(on llb.State, answers []llb.State) llb.State {
	const in, out = llb.Run + "/in", llb.Run + "/out"
	inputs := []llb.Mount{{Target: in + "/head", State: m.texts()}}
	for i, a := range answers {
		inputs = append(inputs, llb.Mount{Target: fmt.Sprintf("%s/%03d", in, i), State: a})
	}
	var script strings.Builder
	fmt.Fprintf(&script, "cp %s/head/head %s%s\n", in, out, ManifestPath)
	if m.notices != "" {
		fmt.Fprintf(&script, "cp %s/head/notices %s%s\n", in, out, NoticesPath)
	}
	if m.login != "" {
		fmt.Fprintf(&script, "mkdir -p %[2]s%[3]s\ncp %[1]s/head/login %[2]s%[4]s\n", in, out, path.Dir(LoginPath), LoginPath)
	}
	for _, s := range []stage.Section{stage.Software, stage.Packages} {
		fmt.Fprintf(&script, "if cat %s/*/%s >/tmp/s 2>/dev/null; [ -s /tmp/s ]; then { printf '\\n# %s\\n'; cat /tmp/s; } >>%s%s; fi\n",
			in, s.File(), s, out, ManifestPath)
	}
	return llb.Step{Owner: llb.OfManifest, Component: manifestName, Action: "write", On: on, Script: script.String(),
		Inputs: inputs, At: here()}.Output(out)
}
