package plan

import (
	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/problem"
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

// LayerSource is what one thing brings to an image.
type LayerSource struct {
	Kind  string `json:"kind"`  // "base", "packages", "accounts", "appended", "component", "manifest" or "folders"
	Name  string `json:"name"`  // a component's, or the kind
	What  string `json:"what"`  // what is in it: the base's name, a prefix or a file
	Count *int   `json:"count"` // null when it is not known
}

// Warning says that there are too many layers; nil when there are not.
func (l Layers) Warning() error {
	if l.Total <= l.Limit {
		return nil
	}
	return problem.Refusedf("the image has %d layers, over the limit of %d", l.Total, l.Limit).
		Hint("flatten the base (flatten = true), use a base with fewer layers, or leave components out")
}

func layersOf(img assemble.Image) Layers {
	l := Layers{Limit: LayerLimit, Total: img.LayerCount(), Exact: true}
	for _, from := range img.Layers {
		s := LayerSource{Kind: string(from.Kind), Name: from.Name, What: from.What, Count: &from.Count}
		if from.Kind == assemble.BaseLayer && from.Count == 0 { // every base has one: none means that nobody has counted
			s.Count, l.Exact = nil, false
		}
		l.From = append(l.From, s)
	}
	return l
}
