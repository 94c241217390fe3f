package stage

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/medbuild/medbuild/llb"
)

// TestScript has the functions that ask and check: ask and check fail when a
// tool does not answer, answers another version than the one stated, or ends
// with another code than 0. A pattern is put between line ends, so that what
// stands beside it on the line goes. free fails when the component brings a
// licence of FreeSurfer's, which names the person who registered, or a device,
// whatever stage the component is made by.
//
// Prepare goes in front of it.
//
//go:embed scripts/test.sh
var TestScript string

// Prepare says where the functions of TestScript write: the folder of the answers,
// the file that ParseOutcomes reads, and a file for what a command says.
func Prepare(answers, outcomes, said string) string {
	return fmt.Sprintf("out=%s outcomes=%s said=%s\n", llb.Word(answers), llb.Word(outcomes), llb.Word(said))
}

// Outcome is what became of one question or check.
type Outcome struct {
	Kind    OutcomeKind `json:"kind"`
	Name    string      `json:"name"`    // a question's key in the manifest; a check's number, from 1
	Command string      `json:"command"` // shell
	Exit    int         `json:"exit"`    // the command's exit code; many tools answer a question with one that is not 0
	Seconds float64     `json:"seconds"`
	Answer  string      `json:"answer"`  // the version that a question was answered with
	Problem string      `json:"problem"` // "" when it passed
	Output  string      `json:"output"`  // the end of what the command said
}

// OutcomeKind says what an outcome is of.
type OutcomeKind string

// The kinds of outcomes.
const (
	OfQuestion OutcomeKind = "question"
	OfCheck    OutcomeKind = "check"
)

// Passed reports whether it went as it should.
func (o Outcome) Passed() bool { return o.Problem == "" }

// maxOutcomes is what a component's questions and checks may leave, in bytes: 4 kB
// for each of a thousand.
const maxOutcomes = 4 << 20

// ParseOutcomes reads what the functions of TestScript left, a line of JSON for
// each question and check in the order in which they ran.
func ParseOutcomes(data []byte) ([]Outcome, error) {
	if len(data) > maxOutcomes {
		return nil, fmt.Errorf("the outcomes are larger than %d MiB", maxOutcomes>>20)
	}
	var out []Outcome
	for line := range bytes.Lines(data) {
		var o Outcome
		if err := json.Unmarshal(line, &o); err != nil {
			return nil, fmt.Errorf("outcome %d: %w", len(out)+1, err)
		}
		if o.Kind != OfQuestion && o.Kind != OfCheck || o.Name == "" {
			return nil, fmt.Errorf("outcome %d is of no question and no check: kind %q, name %q", len(out)+1, o.Kind, o.Name)
		}
		out = append(out, o)
	}
	return out, nil
}

// Call is the shell that asks the question with the functions of TestScript.
func (q Question) Call() string {
	if q.Command == "" {
		return fmt.Sprintf("echo %s >>\"$out/%s\"\n", llb.Quote(q.Key+"="+q.Tell), q.Section.File())
	}
	if q.Tell != "" {
		return fmt.Sprintf("ask %s %s %s %s %s %s\n", llb.Word(q.Key), q.Section.File(), llb.Quote(q.Want), llb.Quote(q.Command), llb.Quote(q.Pattern), llb.Quote(q.Tell))
	}
	return fmt.Sprintf("ask %s %s %s %s %s\n", llb.Word(q.Key), q.Section.File(), llb.Quote(q.Want), llb.Quote(q.Command), llb.Quote(q.Pattern))
}

// Call is the shell that runs the check with the functions of TestScript, as the
// one of that number.
func (c Check) Call(number int) string {
	return fmt.Sprintf("check %d %s\n", number, llb.Quote(c.Command))
}

// Calls is the shell that tests the stage with the functions of TestScript: its
// questions, then its checks.
func (s Stage) Calls() string {
	var b strings.Builder
	if places := s.Holds(); len(places) > 0 {
		fmt.Fprintf(&b, "free %s\n", llb.Args(places...))
	}
	for _, q := range s.Questions {
		b.WriteString(q.Call())
	}
	for i, c := range s.Smoke {
		b.WriteString(c.Call(i + 1))
	}
	return b.String()
}

// File is the name of the file that holds the answers of a section.
func (s Section) File() string {
	return strings.ToLower(strings.ReplaceAll(string(s), " ", "-"))
}
