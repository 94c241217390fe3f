package stage

// The interfaces below are what a tool can do in addition to making its stage; each
// is optional. Whoever wants one asks the tool for the interface, so a method with
// another name or signature would count as none. Tools therefore state what they
// can do, and the compiler holds them to it:
//
//	var _ stage.Caller = (*MRtrix3)(nil)

// Checker finds what is wrong with settings, as far as no base matters for it.
// It is asked as soon as the settings are read.
type Checker interface {
	Check() error
}

// Licensed is a tool with a licence that the user must accept. Accepted is nil
// once that is done.
type Licensed interface {
	Accepted() error
}

// Dependent is a tool that runs the commands of other stages: without a
// component of each, a target is refused.
type Dependent interface {
	Needs() []string
}

// Caller is a tool that runs certain programs of other stages, where a target
// has such a component. Calls lists the programs by stage.
type Caller interface {
	Calls() map[string][]string
}

// Provider is a tool that may lack programs that others call, or have them in a
// state that is of no use. Serves reports which of the programs, and why. A tool
// without this ability has all its programs.
type Provider interface {
	Serves(programs []string) error
}

// Importer is a tool that imports Python packages: without an Environment that
// has them all, a target is refused.
type Importer interface {
	Modules() []string
}

// Environment is a tool that brings Python packages. ListedIn is the file that
// the user lists them in.
type Environment interface {
	Tool
	Has(module string) bool
	ListedIn() string
}

// Released is a tool that knows where its releases come from: for one of them
// the user need not state a source. Release is the source of a version, and
// whether it is known.
type Released interface {
	Release(version string) (Source, bool)
}

// What the settings that components share can do.
var (
	_ Checker = Account{}
	_ Checker = BaseSettings{}
	_ Checker = Source{}
)
