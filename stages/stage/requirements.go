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
	continued   = regexp.MustCompile(`\\\r?\n`)
	separators  = regexp.MustCompile(`[-_.]+`)
	hashOption  = regexp.MustCompile(`--hash[= ]sha256:([0-9a-f]{64})\b`)
)

// ReadRequirements reads a requirements file.
func ReadRequirements(f File) (Requirements, error) {
	r := Requirements{Text: string(f.Content), Pins: map[string]string{}}
	lines := continued.ReplaceAllString(r.Text, " ")
	for _, m := range requirement.FindAllStringSubmatch(lines, -1) {
		from := f
		from.At = from.lineOf(strings.TrimSuffix(m[0], m[4]))
		if err := r.add(from, m[1], m[2], m[3], m[4]); err != nil {
			return Requirements{}, fmt.Errorf("%s:%d: %w", from.Path, from.At.Line, err)
		}
	}
	r.split()
	return r, nil
}

// add takes one requirement: a name with a version, or with an address.
func (r *Requirements) add(from File, name, version, address, rest string) error {
	switch {
	case address != "":
		w, err := newWheel(name, address, rest, from)
		if err != nil {
			return err
		}
		r.wheels = append(r.wheels, w)
		r.Text = strings.Replace(r.Text, address, "file://"+wheelFolder+"/"+url.PathEscape(w.file), 1)
		version = w.version()
	case !hashed(rest):
		r.listed = append(r.listed, llb.Input{Name: NormalName(name), Version: version, Kind: llb.Package, Address: name + "==" + version, At: from.At})
	}
	if other, again := r.Pins[NormalName(name)]; again && other != version {
		version = "" // markers say which one, and uv reads them
	}
	r.Pins[NormalName(name)] = version
	return nil
}

func hashed(line string) bool { return strings.Contains(line, "--hash=sha256:") }

// split takes the lines without a hash out of the text: an installer that
// wants hashes wants them of all.
func (r *Requirements) split() {
	if !slices.ContainsFunc(r.Inputs(), func(i llb.Input) bool { return !i.Pinned() }) {
		return
	}
	r.Text = requirement.ReplaceAllStringFunc(continued.ReplaceAllString(r.Text, " "), func(line string) string {
		if hashed(line) {
			return line
		}
		r.Loose += line + "\n"
		return ""
	})
}

// Usable refuses everything that has no hash, unless g allows that.
func (r Requirements) Usable(g Ground, from File) error {
	if g.AllowUnpinned {
		return nil
	}
	var errs []error
	for _, in := range r.Inputs() {
		if !in.Pinned() {
			hint := "write the file with uv pip compile --generate-hashes"
			if in.Kind == llb.Archive {
				hint = "add --hash=sha256:<64 hexadecimal digits> to its line"
			}
			errs = append(errs, unpinned(from.Path+": "+in.Address, hint))
		}
	}
	return errors.Join(errs...)
}

func newWheel(name, address, rest string, from File) (wheel, error) {
	u, err := url.Parse(address)
	if err != nil {
		return wheel{}, fmt.Errorf("the address of %s: %w", name, err)
	}
	hashes := hashOption.FindAllStringSubmatch(rest, -1)
	if len(hashes) > 1 {
		return wheel{}, problem.Refusedf("%s @ %s is one file, but has %d hashes", name, address, len(hashes)).
			Hint("keep the sha256 of that file")
	}
	if err := fetchable(address, "http", "https"); err != nil {
		return wheel{}, err
	}
	u.Fragment = ""
	w := wheel{file: path.Base(u.Path), input: llb.Input{Name: NormalName(name), Kind: llb.Archive, Address: u.String(), At: from.At}}
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
