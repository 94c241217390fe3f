package stage

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
)

// Requirements is a requirements file, read. What it names by address is not
// the installer's to fetch: such wheels are inputs like all others, from a
// mirror where the site has one, and kept.
type Requirements struct {
	Text   string            // with files of the step in place of addresses
	Loose  string            // the lines without a hash, which Text lacks
	Pins   map[string]string // version by normal name; "" when the file has more than one
	wheels []wheel
	listed []llb.Input // packages of an index that no hash pins
}

// wheel is a package file that the requirements name by its address.
type wheel struct {
	file  string // its name, such as torch-2.5.1+cpu-cp312-cp312-linux_x86_64.whl
	input llb.Input
}

// wheelFolder is where an installer finds the wheels under their own names.
// BuildKit names a file as its address does, where + is written %2B.
const wheelFolder = "/tmp/wheels"

var (
	requirement = regexp.MustCompile(`(?m)^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?[ \t]*(?:==[ \t]*([^\s;=][^\s;]*)|@[ \t]*([^\s;]+))(.*)`)
	separators  = regexp.MustCompile(`[-_.]+`)
	hashOption  = regexp.MustCompile(`--hash[= ]sha256:([0-9a-f]{64})\b`)
)

// maxPackages is how many packages a list may have: ten times as many as a large
// environment.
const maxPackages = 5000

// ReadRequirements reads a requirements file. One that lists nothing is an error.
func ReadRequirements(f File) (Requirements, error) {
	text, err := f.text()
	if err != nil {
		return Requirements{}, err
	}
	if blank(text) {
		return Requirements{}, problem.Refusedf("%s lists no packages", f.Path).Hint("a line is <package>==<version> with its hashes; uv pip compile --generate-hashes writes them")
	}
	return readRequirements(f.Path, text)
}

// blank reports whether a text has nothing but comments.
func blank(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return false
		}
	}
	return true
}

func readRequirements(file, text string) (Requirements, error) {
	r := Requirements{Pins: map[string]string{}}
	var out strings.Builder // the text with files in place of addresses
	at, done := problem.Position{File: file, Line: 1, Col: 1}, 0
	whole := strings.NewReplacer("\\\r\n", "   ", "\\\n", "  ").Replace(text) // lines that go on, each place kept
	found := requirement.FindAllStringSubmatchIndex(whole, maxPackages+1)
	if len(found) > maxPackages {
		return Requirements{}, problem.Refusedf("%s lists more than %d packages", file, maxPackages)
	}
	for _, m := range found {
		at.Line += strings.Count(text[done:m[0]], "\n")
		given := required{at: at, name: part(whole, m, 1), version: part(whole, m, 2), address: part(whole, m, 3), rest: part(whole, m, 4)}
		to, err := r.add(given)
		if err != nil {
			return Requirements{}, fmt.Errorf("%s:%d: %w", file, at.Line, err)
		}
		out.WriteString(text[done:m[0]])
		out.WriteString(strings.Replace(text[m[0]:m[1]], given.address, to, 1))
		at.Line += strings.Count(text[m[0]:m[1]], "\n")
		done = m[1]
	}
	r.Text = out.String() + text[done:]
	r.split()
	return r, nil
}

// required is a line of the file: a name with a version, or with an address.
type required struct {
	at                           problem.Position
	name, version, address, rest string
}

// part is what a group of a pattern found; "" for nothing.
func part(text string, found []int, group int) string {
	if found[2*group] < 0 {
		return ""
	}
	return text[found[2*group]:found[2*group+1]]
}

// add takes one requirement. It returns what stands in the place of its address.
func (r *Requirements) add(q required) (string, error) {
	version, to := q.version, ""
	switch {
	case q.address != "":
		w, err := newWheel(q)
		if err != nil {
			return "", err
		}
		r.wheels = append(r.wheels, w)
		to = "file://" + wheelFolder + "/" + url.PathEscape(w.file)
		version = w.version()
	case !hashed(q.rest):
		r.listed = append(r.listed, llb.Input{Name: NormalName(q.name), Version: version, Kind: llb.Package, Address: q.name + "==" + version, At: q.at})
	}
	if other, again := r.Pins[NormalName(q.name)]; again && other != version {
		version = "" // markers say which one, and uv reads them
	}
	r.Pins[NormalName(q.name)] = version
	return to, nil
}

func hashed(line string) bool { return strings.Contains(line, "--hash=sha256:") }

// split takes the lines without a hash out of the text: an installer that
// wants hashes wants them of all.
func (r *Requirements) split() {
	if !slices.ContainsFunc(r.Inputs(), func(i llb.Input) bool { return !i.Pinned() }) {
		return
	}
	var loose strings.Builder
	r.Text = requirement.ReplaceAllStringFunc(strings.NewReplacer("\\\r\n", " ", "\\\n", " ").Replace(r.Text), func(line string) string {
		if hashed(line) {
			return line
		}
		loose.WriteString(line + "\n")
		return ""
	})
	r.Loose = loose.String()
}

// Usable refuses everything that has no hash, unless g allows that.
func (r Requirements) Usable(g Ground) error {
	if g.AllowUnpinned {
		return nil
	}
	var errs []error
	inLines := func(a, b llb.Input) int { return a.At.Line - b.At.Line }
	for _, in := range slices.SortedStableFunc(slices.Values(r.Inputs()), inLines) {
		if !in.Pinned() {
			hint := "write the file with uv pip compile --generate-hashes"
			if in.Kind == llb.Archive {
				hint = "add --hash=sha256:<64 hexadecimal digits> to its line"
			}
			errs = append(errs, unpinned(fmt.Sprintf("%s:%d: %s", in.At.File, in.At.Line, in.Address), hint))
		}
	}
	return errors.Join(errs...)
}

func newWheel(q required) (wheel, error) {
	u, err := url.Parse(q.address)
	if err != nil {
		return wheel{}, fmt.Errorf("the address of %s: %w", q.name, err)
	}
	hashes := hashOption.FindAllStringSubmatch(q.rest, -1)
	if len(hashes) > 1 {
		return wheel{}, problem.Refusedf("%s @ %s is one file, but has %d hashes", q.name, q.address, len(hashes)).
			Hint("keep the sha256 of that file")
	}
	if err := fetchable(q.address, "http", "https"); err != nil {
		return wheel{}, err
	}
	u.Fragment = ""
	w := wheel{file: path.Base(u.Path), input: llb.Input{Name: NormalName(q.name), Kind: llb.Archive, Address: u.String(), At: q.at}}
	w.input.Version = w.version()
	if len(hashes) == 1 {
		w.input.Pin = "sha256:" + hashes[0][1]
	}
	return w, nil
}

// version is the second part of a wheel's name, or what follows a source
// archive's.
func (w wheel) version() string {
	if parts := strings.Split(w.file, "-"); strings.HasSuffix(w.file, ".whl") && len(parts) > 4 {
		return parts[1]
	}
	name := strings.TrimSuffix(strings.TrimSuffix(w.file, ".zip"), ".tar.gz")
	return name[strings.LastIndex(name, "-")+1:]
}

// Inputs is what the requirements name by address, and what nothing pins.
func (r Requirements) Inputs() []llb.Input {
	var out []llb.Input
	for _, w := range r.wheels {
		out = append(out, w.input)
	}
	return append(out, r.listed...)
}

// Mounts gives the wheels to a step.
func (r Requirements) Mounts(component string) []llb.Mount {
	var out []llb.Mount
	for i, w := range r.wheels {
		out = append(out, llb.Mount{Target: WheelMount(i), State: w.input.Fetch(component, here())})
	}
	return out
}

// WheelMount is where a step has a wheel.
func WheelMount(i int) string { return fmt.Sprintf("%s/wheels/%d", llb.Run, i) }

// Links is shell that gives the wheels their own names; "" when there are none.
func (r Requirements) Links() string {
	if len(r.wheels) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "mkdir %s\n", wheelFolder)
	for i, w := range r.wheels {
		fmt.Fprintf(&b, "ln -s %s/* %s\n", WheelMount(i), llb.Quote(wheelFolder+"/"+w.file))
	}
	return b.String()
}

// NormalName is a package's name as the Python index compares it (PEP 503).
func NormalName(name string) string {
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}
