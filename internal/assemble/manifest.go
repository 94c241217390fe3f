package assemble

import (
	_ "embed" // scripts/manifest.sh
	"fmt"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
)

// ManifestPath is where the version manifest lies in every image.
const ManifestPath = "/VERSION_MANIFEST.txt"

// manifestName is whose the manifest's steps are, as they are shown.
const manifestName = string(llb.OfManifest)

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

// exact is a reference with the digest of what it stands for, where that is known
// and not in it: a tag moves, and a file's name says nothing.
func exact(reference, digest string) string {
	if reference == "" || digest == "" || strings.Contains(reference, "@") {
		return reference
	}
	return reference + "@" + digest
}

// file is a text that is known before any component has answered.
type file struct{ name, text, to string }

// files are those that say something.
func (m Manifest) files() []file {
	all := []file{{"head", m.head(), ManifestPath}, {"notices", m.notices, NoticesPath}, {"login", m.login, LoginPath}}
	return slices.DeleteFunc(all, func(f file) bool { return f.text == "" })
}

// texts are the files as a state.
func (m Manifest) texts() llb.State {
	all := map[string][]byte{}
	for _, f := range m.files() {
		all[f.name] = []byte(f.text)
	}
	return llb.Folder("write head", all)
}

//go:embed scripts/manifest.sh
var manifestScript string

// layer puts the answers under the manifest's headings, in the order of the
// components.
func (m Manifest) layer(on llb.State, answers []llb.State) llb.State {
	inputs := []llb.Mount{{Target: llb.Run + "/in/head", State: m.texts()}}
	for i, a := range answers {
		inputs = append(inputs, llb.Mount{Target: fmt.Sprintf("%s/in/%03d", llb.Run, i), State: a})
	}
	return llb.Step{Owner: llb.OfManifest, Component: manifestName, Action: "write", On: on, Inputs: inputs, At: here(),
		Script: llb.Script(manifestScript, llb.Values{"MANIFEST": ManifestPath}, llb.Code{"CALLS": m.calls()})}.Output(llb.Run + "/out")
}

// calls are those of the script's functions.
func (m Manifest) calls() string {
	var b strings.Builder
	for _, f := range m.files() {
		fmt.Fprintf(&b, "place %s %s\n", f.name, f.to)
	}
	for _, s := range []stage.Section{stage.Software, stage.Packages} {
		fmt.Fprintf(&b, "section %s %s\n", s.File(), llb.Quote(string(s)))
	}
	return b.String()
}
