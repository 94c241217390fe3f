package lint

import (
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// form is an issue form, with the keys that are used here.
type form struct {
	Name        string    `yaml:"name"`
	Description string    `yaml:"description"`
	Labels      []string  `yaml:"labels"`
	Body        []element `yaml:"body"`
}

type element struct {
	Type       string `yaml:"type"`
	ID         string `yaml:"id"`
	Attributes struct {
		Label       string   `yaml:"label"`
		Description string   `yaml:"description"`
		Placeholder string   `yaml:"placeholder"`
		Render      string   `yaml:"render"`
		Value       string   `yaml:"value"`
		Options     []string `yaml:"options"`
	} `yaml:"attributes"`
	Validations struct {
		Required bool `yaml:"required"`
	} `yaml:"validations"`
}

func TestForms(t *testing.T) {
	for _, file := range files(t, root+"/.github/ISSUE_TEMPLATE/*.yml") {
		if filepath.Base(file) == "config.yml" {
			continue
		}
		var f form
		decode(t, file, &f)
		for _, fault := range f.faults() {
			t.Errorf("%s: %s", file, fault)
		}
	}
}

func TestFormFaults(t *testing.T) {
	var f form
	decode(t, "testdata/form.yml", &f)
	want := []string{"no description", "text is no type", "a has no options", "two are called a", "b c is no id", "d has no label"}
	if got := f.faults(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestChooser(t *testing.T) {
	var c struct {
		Blank bool `yaml:"blank_issues_enabled"`
		Links []struct {
			Name  string `yaml:"name"`
			URL   string `yaml:"url"`
			About string `yaml:"about"`
		} `yaml:"contact_links"`
	}
	decode(t, root+"/.github/ISSUE_TEMPLATE/config.yml", &c)
	for _, l := range c.Links {
		if l.Name == "" || l.URL == "" || l.About == "" {
			t.Errorf("a link lacks something: %+v", l)
		}
	}
}

// faults are what the code host would refuse the form for.
func (f form) faults() []string {
	var out []string
	if f.Name == "" {
		out = append(out, "no name")
	}
	if f.Description == "" {
		out = append(out, "no description")
	}
	return append(out, f.bodyFaults()...)
}

func (f form) bodyFaults() []string {
	var out []string
	seen := map[string]bool{}
	for _, e := range f.Body {
		out = append(out, e.faults()...)
		if seen[e.ID] {
			out = append(out, "two are called "+e.ID)
		}
		seen[e.ID] = e.ID != ""
	}
	return out
}

var identifier = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func (e element) faults() []string {
	a := e.Attributes
	switch {
	case e.Type == "markdown" && a.Value != "":
		return nil
	case !slices.Contains([]string{"input", "textarea", "dropdown"}, e.Type):
		return []string{e.Type + " is no type"}
	case !identifier.MatchString(e.ID):
		return []string{e.ID + " is no id"}
	case a.Label == "":
		return []string{e.ID + " has no label"}
	case e.Type == "dropdown" && len(a.Options) == 0:
		return []string{e.ID + " has no options"}
	}
	return nil
}
