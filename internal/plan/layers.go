package plan

import (
	"fmt"

	"github.com/medbuild/medbuild/internal/assemble"
)

// LayerLimit is how many layers an image should have at most.
const LayerLimit = 49

// Layers is where the layers of an image come from.
type Layers struct {
	From  []LayerSource `json:"from"`  // from the bottom up
	Total int           `json:"total"` // without the base's when those are not known
	Exact bool          `json:"exact"` // whether all are known
	Limit int           `json:"limit"`
}

// LayerSource is a part of an image that brings layers.
type LayerSource struct {
	Name  string `json:"name"`  // "base", "packages", a component, "manifest" or "parents"
	What  string `json:"what"`  // the base's name, a prefix or a file
	Count *int   `json:"count"` // null when it is not known
}

// Warning says that there are too many layers; "" when there are not.
func (l Layers) Warning() string {
	if l.Total <= l.Limit {
		return ""
	}
	return fmt.Sprintf("%d layers are more than %d\nhint: make the base flat (flatten = true), use one with fewer layers, or do without components", l.Total, l.Limit)
}

func layersOf(img assemble.Image) Layers {
	l := Layers{Limit: LayerLimit, Exact: img.Base.Layers > 0}
	l.add("base", img.Base.Name, img.Base.Layers)
	if img.Base.Layers == 0 { // every base has one: none means that nobody has counted
		l.From[0].Count = nil
	}
	l.add("packages", "distribution packages", one(img.Apt))
	if img.Users {
		l.add("accounts", "users of the image", 1)
	}
	for _, p := range img.Parts {
		what := p.Prefix
		if p.Layer == nil {
			what = "among the packages"
		}
		l.add(p.Name, what, one(p.Layer != nil))
	}
	l.add("manifest", assemble.ManifestPath, 1)
	l.add("parents", "folders above the prefixes", one(img.Folders()))
	return l
}

func (l *Layers) add(name, what string, count int) {
	l.From = append(l.From, LayerSource{Name: name, What: what, Count: &count})
	l.Total += count
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
