package llb

import _ "embed" // scripts/pip.sh

// Pip fetches a tool of the Python index for a step: one wheel, by its sha256.
type Pip struct {
	Component string // whose step needs it
	Name      string // as the index has it
	Version   string
	SHA256    string // of the wheel
	On        State  // a root file system with python3-pip, of Ubuntu 20.04 or newer
	At        Location
}

//go:embed scripts/pip.sh
var pipScript string

// Output is the tool in the folder to, with nothing else.
func (p Pip) Output(to string) State {
	return Step{
		Component: p.Component,
		Action:    "fetch " + p.Name,
		On:        p.On,
		Script:    Script(pipScript, Values{"NAME": p.Name, "VERSION": p.Version, "SHA": p.SHA256, "TO": to}, nil),
		Env:       []string{"PIP_ROOT_USER_ACTION=ignore"}, // the option is not known to every pip
		Network:   true,
		At:        p.At,
	}.Output(to)
}
