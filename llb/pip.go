package llb

import "fmt"

// Pip fetches a tool of the Python index for a step: one wheel, by its sha256.
type Pip struct {
	Component string // whose step needs it
	Name      string // as the index has it
	Version   string
	SHA256    string // of the wheel
	On        State  // a root file system with python3-pip, of Ubuntu 20.04 or newer
	At        Location
}

// Output is the tool in the folder to, with nothing else.
func (p Pip) Output(to string) State {
	return Step{
		Component: p.Component,
		Action:    "fetch " + p.Name,
		On:        p.On,
		Script: fmt.Sprintf("echo '%[1]s==%[2]s --hash=sha256:%[3]s' >/tmp/%[1]s.txt\n"+
			"/usr/bin/python3 -m pip install --quiet --no-cache-dir --no-compile --no-deps --only-binary :all: --require-hashes --target %[4]s -r /tmp/%[1]s.txt",
			p.Name, p.Version, p.SHA256, to),
		Env:     []string{"PIP_ROOT_USER_ACTION=ignore"}, // the option is not known to every pip
		Network: true,
		At:      p.At,
	}.Output(to)
}
