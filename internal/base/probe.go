package base

import (
	_ "embed"
	"strings"

	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
)

// ProbeFile is where the state of Probe has its answers.
const ProbeFile = "facts"

// ProbeVersion changes when Probe asks something else, so that facts kept from
// before are read again.
const ProbeVersion = "3"

// probeScript writes a line "key=value" for each fact. It runs on bases that
// may lack almost everything but a shell. The mirror is the one that has the
// release itself: an archive of security updates has no pool of its own for it.
//
//go:embed scripts/probe.sh
var probeScript string

// Probe asks a base what Facts wants to know. ParseFacts reads ProbeFile of it.
func Probe(name string, root llb.State) llb.State {
	return llb.Step{Owner: llb.OfBase, Component: "base", Action: "look at " + name, On: root,
		Script: stage.LicensedScript + llb.Script(probeScript, llb.Values{"OUT": llb.Run + "/out/" + ProbeFile}, nil), At: here()}.Output(llb.Run + "/out")
}

// ParseFacts reads what Probe wrote.
func ParseFacts(answers []byte) stage.Facts {
	f := stage.Facts{Links: map[string]string{}}
	for line := range strings.Lines(string(answers)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		set(&f, key, value)
	}
	return f
}

func set(f *stage.Facts, key, value string) {
	switch key {
	case "distribution":
		f.Distribution = value
	case "release":
		f.Release = value
	case "libc":
		f.Libc = value
	case "python":
		f.Python = value
	case "mirror":
		f.Mirror = withSlash(value)
	case "licence":
		f.Licences = append(f.Licences, value)
	case "link":
		from, to, _ := strings.Cut(value, " ")
		f.Links[from] = to
	}
}

func withSlash(address string) string {
	if address == "" {
		return ""
	}
	return strings.TrimSuffix(address, "/") + "/"
}
