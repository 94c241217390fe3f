package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/medbuild/medbuild/stages"
	"github.com/medbuild/medbuild/stages/stage"
)

// kind is the stage that makes the component of that name.
func (l *loader) kind(name string, table map[string]any) (stage.Kind, bool) {
	named, _ := stageName(name, table)
	return stages.Find(named)
}

// stageName is the name of a component's stage, and whether the component
// states it. A stage that is not a string has none.
func stageName(component string, table map[string]any) (string, bool) {
	v, ok := table["stage"]
	if s, _ := v.(string); ok && v != "" {
		return s, true
	}
	return component, false
}

// meantStage tells that there is no such stage, and guesses which was meant.
func (l *loader) meantStage(name string, table map[string]any, n *node) (stage.Kind, bool) {
	named, stated := stageName(name, table)
	if stated && named == "" {
		l.wrongType(table["stage"], reflect.TypeFor[string](), n.sub("stage"), "stage")
		return stage.Kind{}, false
	}
	meant, ok := closest(named, kindNames())
	hint := hintFor(named, kindNames(), "")
	if !ok {
		hint = "the stages are " + strings.Join(kindNames(), ", ")
	}
	if !ok && !stated {
		hint = "a component that is not named after its stage states it: " + hint
	}
	l.problems.add(n.key("stage"), fmt.Sprintf("there is no stage %q", named), hint)
	return stages.Find(meant)
}

func kindNames() []string {
	var names []string
	for _, k := range stages.All() {
		names = append(names, k.Name)
	}
	return names
}
