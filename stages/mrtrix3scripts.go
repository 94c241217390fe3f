package stages

import (
	"maps"
	"slices"

	"github.com/medbuild/medbuild/stages/stage"
)

// scriptCalls is what a script of MRtrix3 calls. Own is commands of MRtrix3,
// those of its scripts' library included, which asks mrinfo for every header.
type scriptCalls struct {
	own       []string
	elsewhere map[string][]string // by stage
}

// mrtrix3Scripts is the scripts that call something, from the sources of 3.0.4
// to 3.0.8 (bin and lib/mrtrix3), where they call the same. A script that is not
// here calls nothing, or is of a version that is not known.
var mrtrix3Scripts = map[string]scriptCalls{
	"5ttgen": {
		own: []string{"5ttcheck", "5ttedit", "labelconvert", "maskdump", "maskfilter", "mesh2voxel", "meshconvert", "meshfilter",
			"mrcalc", "mrcat", "mrconvert", "mredit", "mrgrid", "mrinfo", "mrmath", "mrthreshold", "mrtransform", "voxel2mesh"},
		elsewhere: map[string][]string{"fsl": {"bet", "fast", "run_first_all", "standard_space_roi"}},
	},
	"dwi2response": {
		own: []string{"5ttcheck", "amp2response", "dwi2fod", "dwi2mask", "dwi2tensor", "dwiextract", "fixel2peaks", "fixel2voxel",
			"fod2fixel", "maskfilter", "mrcalc", "mrcat", "mrconvert", "mrinfo", "mrmath", "mrstats", "mrthreshold", "mrtransform",
			"peaks2amp", "sh2peaks", "tensor2metric"},
	},
	"dwibiascorrect": {
		own:       []string{"dwi2mask", "dwiextract", "mrcalc", "mrconvert", "mrdump", "mrinfo", "mrmath"},
		elsewhere: map[string][]string{"ants": {"N4BiasFieldCorrection"}, "fsl": {"fast"}},
	},
	"dwicat": {own: []string{"dwiextract", "mrcalc", "mrcat", "mrconvert", "mrhistmatch", "mrinfo"}},
	"dwifslpreproc": {
		own: []string{"dirstat", "dwi2mask", "dwiextract", "maskfilter", "mrcalc", "mrcat", "mrconvert", "mrfilter", "mrinfo",
			"mrthreshold", "mrtransform"},
		elsewhere: map[string][]string{"fsl": {"applytopup", "eddy", "eddy_quad", "topup"}},
	},
	"dwigradcheck": {own: []string{"dwi2mask", "mrconvert", "mrinfo", "tckgen", "tckstats"}},
	"dwinormalise": {own: []string{"dwi2tensor", "dwiextract", "mrcalc", "mrconvert", "mrdump", "mrinfo", "mrmath", "mrstats",
		"mrthreshold", "mrtransform", "population_template", "tensor2metric"}},
	"dwishellmath": {own: []string{"dwiextract", "mrcat", "mrconvert", "mrinfo", "mrmath"}},
	"gen_scheme":   {own: []string{"dirflip", "dirgen", "dirmerge", "dirsplit", "dirstat"}},
	"labelsgmfix": {
		own: []string{"labelconvert", "mesh2voxel", "meshconvert", "mrcalc", "mrconvert", "mrgrid", "mrinfo", "mrmath", "mrstats",
			"mrthreshold"},
		elsewhere: map[string][]string{"fsl": {"run_first_all"}},
	},
	"population_template": {own: []string{"maskfilter", "mraverageheader", "mrcalc", "mrcat", "mrconvert", "mrfilter", "mrgrid",
		"mrinfo", "mrmath", "mrregister", "mrtransform", "transformcalc"}},
}

// mrtrix3Plain is the scripts that call nothing, which a user can list too.
var mrtrix3Plain = []string{"blend", "convert_bruker", "for_each", "mrtrix_cleanup", "responsemean"}

// compiled is the commands to compile: those that are listed, in their order,
// and what the listed scripts call. It is none when all are.
func (m *MRtrix3) compiled() []string {
	var out []string
	seen := map[string]bool{}
	var take func(names []string)
	take = func(names []string) {
		for _, name := range names {
			script, calls := mrtrix3Scripts[name]
			switch {
			case seen[name] || slices.Contains(mrtrix3Plain, name):
				continue
			case !calls:
				out = append(out, name)
			}
			seen[name] = true
			take(script.own)
		}
	}
	if take(m.Commands); len(m.Commands) > 0 && len(out) == 0 {
		return []string{"mrinfo"} // tells the version
	}
	return out
}

// keeps reports whether a script comes along: all do where everything is
// compiled, else those of which every command that they call is there.
func (m *MRtrix3) keeps(script string) bool {
	return len(m.Commands) == 0 || m.complete(script, m.compiled())
}

func (m *MRtrix3) complete(script string, compiled []string) bool {
	return !slices.ContainsFunc(mrtrix3Scripts[script].own, func(name string) bool {
		if _, calls := mrtrix3Scripts[name]; calls {
			return !m.complete(name, compiled)
		}
		return !slices.Contains(compiled, name)
	})
}

// leftOut is the scripts that do not come along, sorted.
func (m *MRtrix3) leftOut() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(mrtrix3Scripts)), m.keeps)
}

// called is the programs of other stages that the listed scripts call.
func (m *MRtrix3) called() []stage.Called {
	var out []stage.Called
	for _, name := range m.Commands {
		elsewhere := mrtrix3Scripts[name].elsewhere
		for _, kind := range slices.Sorted(maps.Keys(elsewhere)) {
			out = append(out, stage.Called{By: name, Stage: kind, Programs: elsewhere[kind]})
		}
	}
	return out
}
