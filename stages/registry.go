package stages

// All lists the stages in the order the documentation has them. A new tool is
// one file and one line here.
func All() []Kind {
	return []Kind{
		{"mrtrix3", "MRtrix3, compiled from its source for baseline x86-64.",
			func() Tool { return &MRtrix3{Common: Common{Prefix: "/opt/mrtrix3"}} }},
		{"ants", "ANTs, from a release zip or from the distribution's package.",
			func() Tool { return &ANTs{} }},
		{"python", "A Python environment, filled by uv from requirements with hashes.",
			func() Tool { return &Python{Common: Common{Prefix: "/opt/python"}, Interpreter: systemPython} }},
	}
}

// Find is the stage of that name.
func Find(name string) (Kind, bool) {
	for _, k := range All() {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}
