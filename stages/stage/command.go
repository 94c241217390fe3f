package stage

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
)

// Command is a shell command that a step of a component runs among others. A step
// whose last line is as Ended reads it says which of them failed.
type Command struct {
	Key  string           // its name in that line, such as "configure"
	Text string           // as the user reads it; "" for what is no command
	At   problem.Position // where it is stated; the zero value is nowhere: the stage brings it
}

// RunScript has the function run, for commands that make a layer: each runs in a
// shell of its own and ends the step where it fails.
const RunScript = `run() { # key, command
	sh -ec "$2" || { code=$?; echo "failed: $1: exit code $code"; exit "$code"; }
}
`

// Call is the shell that runs the command with the function of RunScript.
func (c Command) Call() string {
	return fmt.Sprintf("run %s %s\n", llb.Word(c.Key), llb.Quote(c.Text))
}

// layerKey is what the look at a layer's files is called, which is no command.
const layerKey = "layer"

// Command is the one of a key: of those that make the layer, the questions and the
// checks.
func (s Stage) Command(key string) (Command, bool) {
	if key == layerKey {
		return Command{Key: layerKey}, true
	}
	for _, c := range s.Commands {
		if c.Key == key {
			return c, true
		}
	}
	for _, q := range s.Questions {
		if q.Key == key {
			return Command{key, q.Command, q.At}, true
		}
	}
	number, err := strconv.Atoi(key)
	if err != nil || number < 1 || number > len(s.Smoke) {
		return Command{}, false
	}
	return s.Smoke[number-1].shown(key), true
}

func (c Check) shown(key string) Command {
	if c.Shown != "" {
		return Command{key, c.Shown, c.At}
	}
	return Command{key, c.Command, c.At}
}

var ended = regexp.MustCompile(`^failed: (\S+): (\S.*)$`)

// Ended reads the line with which a step ends that ran commands: which one failed,
// and how. false is any other line.
func Ended(line string) (key, how string, ok bool) {
	m := ended.FindStringSubmatch(line)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// Failed is what became of the command in words: "./configure: exit code 2".
func (c Command) Failed(how string) string {
	text := strings.TrimSpace(c.Text)
	switch {
	case text == "":
		return how
	case strings.HasPrefix(how, "exit code "):
		return text + ": " + how
	}
	return text + " " + how
}
