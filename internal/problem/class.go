package problem

// Class says what sort of problem it is. It decides the exit code.
type Class int

// The classes.
const (
	Inherited    Class = iota // the cause's, or Failed where no cause has one
	Failed                    // something went wrong
	Refused                   // it was not begun: the file, a pin or a licence stands against it
	Usage                     // the command line is wrong
	Verification              // what was built does not do what it should
	Transient                 // another try may succeed: a server in trouble, an engine that is gone
	Interrupted               // the user ended it
)

// exitCodes are those of the classes; 75 is EX_TEMPFAIL of sysexits(3), 130 is
// what shells report of a command that an interrupt ended.
var exitCodes = map[Class]int{Failed: 1, Refused: 1, Usage: 2, Verification: 3, Transient: 75, Interrupted: 130}

// ExitCode is the exit code for err: 0 for none.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	return exitCodes[ClassOf(err)]
}

// ClassOf is the class of err: the outermost that is stated. Errors that were
// joined have the class that all of them have, and otherwise Failed: what only
// one of them would mend is not mended by it.
func ClassOf(err error) Class {
	if c := stated(err); c != Inherited {
		return c
	}
	return Failed
}

func stated(err error) Class {
	if e, ok := err.(*Error); ok && e.Class != Inherited { //nolint:errorlint // this level's own alone
		return e.Class
	}
	all := causes(err)
	if len(all) == 0 {
		return Inherited
	}
	if len(all) == 1 {
		return stated(all[0])
	}
	class := ClassOf(all[0])
	for _, e := range all[1:] {
		if ClassOf(e) != class {
			return Failed
		}
	}
	return class
}
