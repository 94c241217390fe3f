package plan

import (
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/medbuild/medbuild/llb"
)

// few is how many conda packages of one host are named one by one: a lock has
// a hundred, and what people read would be about nothing else.
const few = 3

// heap is the conda packages that a component takes from one host.
type heap struct {
	count int
	host  string
	size  int64 // bytes; of those whose size is known
	known bool  // whether it is of all
}

// String is "80 conda packages from conda.example.org, 112.4 MB".
func (h *heap) String() string {
	text := fmt.Sprintf("%d conda packages from %s", h.count, h.host)
	if h.known {
		text += fmt.Sprintf(", %.1f MB", float64(h.size)/1e6)
	}
	return text
}

// heaps is the hosts that many conda packages come from.
func heaps(all []Input) map[string]*heap {
	out := map[string]*heap{}
	for _, i := range all {
		host := condaHost(i)
		if host == "" {
			continue
		}
		if out[host] == nil {
			out[host] = &heap{host: host, known: true}
		}
		out[host].count++
		out[host].size += i.Size
		out[host].known = out[host].known && i.Size > 0
	}
	for host, h := range out {
		if h.count <= few {
			delete(out, host)
		}
	}
	return out
}

// condaHost is the host of a conda package; "" for other inputs.
func condaHost(i Input) string {
	u, err := url.Parse(i.Address)
	if err != nil || i.Kind != "archive" || i.Pin == "" {
		return ""
	}
	subdir := path.Base(path.Dir(u.Path))
	if subdir != "noarch" && subdir != "linux-64" || !strings.HasSuffix(u.Path, ".conda") && !strings.HasSuffix(u.Path, ".tar.bz2") {
		return ""
	}
	return u.Host
}

// heaped is the inputs for people: one in place of each heap, where its first
// package stands.
func heaped(all []Input) []Input {
	many := heaps(all)
	said := map[string]bool{}
	var out []Input
	for _, i := range all {
		host := condaHost(i)
		h := many[host]
		if h != nil && !said[host] {
			out = append(out, Input{Kind: i.Kind, Address: h.String(), Pin: "sha256 each", At: i.At})
		}
		if h == nil {
			out = append(out, i)
		}
		said[host] = true
	}
	return out
}

// heaped is the plan for people: one step fetches a heap.
func (p *Plan) heaped() *Plan {
	into := p.heapSteps()
	if len(into) == 0 {
		return p
	}
	out := &Plan{}
	for _, s := range p.Steps {
		first, ok := into[s.Digest]
		if ok && first.Digest != s.Digest {
			continue
		}
		if ok {
			s.Name, s.does = first.Name, first.does
		}
		s.Inputs = merged(s.Inputs, into)
		out.Steps = append(out.Steps, s)
	}
	for _, t := range p.Targets {
		t.Steps = merged(t.Steps, into)
		out.Targets = append(out.Targets, t)
	}
	return out
}

// heapSteps is the step that stands for each step of a heap: the heap's first,
// with a name for all.
func (p *Plan) heapSteps() map[string]Step {
	fetches := map[llb.Operation]llb.Operation{} // of heaps, by the packages'
	for _, t := range p.Targets {
		for _, c := range t.Components {
			many := heaps(c.Inputs)
			for _, i := range c.Inputs {
				if h := many[condaHost(i)]; h != nil {
					one := llb.Input{Kind: llb.Archive, Address: i.Address}.Fetching(c.Name)
					fetches[one] = llb.Operation{Owner: one.Owner, Component: c.Name, Action: "fetch " + h.String()}
				}
			}
		}
	}
	first, out := map[llb.Operation]Step{}, map[string]Step{}
	for _, s := range p.Steps {
		heap, ok := fetches[s.does]
		if !ok || s.Kind != "source" {
			continue
		}
		if _, known := first[heap]; !known {
			first[heap] = Step{Digest: s.Digest, Name: heap.Name(), does: heap}
		}
		out[s.Digest] = first[heap]
	}
	return out
}

// merged is digests with those of a heap's steps replaced, each once.
func merged(all []string, into map[string]Step) []string {
	out := []string{}
	seen := map[string]bool{}
	for _, d := range all {
		if s, ok := into[d]; ok {
			d = s.Digest
		}
		if !seen[d] {
			seen[d] = true
			out = append(out, d)
		}
	}
	return out
}
