package osparc

import (
	"fmt"
	"strings"
)

// Forms of words, as the platform's models have them.
const (
	versionForm = `^(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}(-(0|[1-9]\d*|\d*[-a-zA-Z][-\da-zA-Z]*)(\.(0|[1-9]\d*|\d*[-a-zA-Z][-\da-zA-Z]*))*)?(\+[-\da-zA-Z]+(\.[-\da-zA-Z]+)*)?$`
	keyForm     = `^simcore/services/(comp|dynamic|frontend)/([a-z0-9][a-z0-9_.-]*/)*[a-z0-9_-]+[a-z0-9]$`
	portForm    = `^[-_a-zA-Z0-9]+$`
	typeForm    = `^(number|integer|boolean|string|ref_contentSchema|data:([^/\s,]+/[^/\s,]+|\[[^/\s,]+/[^/\s,]+(,[^/\s]+/[^/,\s]+)*\]))$`
	envForm     = `^[a-zA-Z]\w*$`
	anyName     = ``
)

// metadataShape is metadata.yml. The tool takes one without
// integration-version; every service has it, and the platform's older parts
// ask for it.
func metadataShape() rule {
	version := form(versionForm, "a string of the form 1.2.3")
	return closed(
		field{"key", required, form(keyForm, "of the form simcore/services/dynamic/name or simcore/services/comp/name")},
		field{"version", required, version},
		field{"name", required, text},
		field{"thumbnail", filled, text},
		field{"icon", filled, link},
		field{"description", required, text},
		field{"description_ui", optional, boolean},
		field{"version_display", filled, text},
		field{"release_date", optional, moment},
		field{"integration-version", required, version},
		field{"type", required, choice("computational", "dynamic", "frontend", "backend")},
		field{"badges", optional, list(0, loose(field{"name", required, text}, field{"image", required, link}, field{"url", required, link}))},
		field{"authors", required, list(1, loose(field{"name", required, owners(text)}, field{"email", required, owners(email)}, field{"affiliation", optional, owners(text)}))},
		field{"contact", required, owners(email)},
		field{"inputs", required, dict(portForm, port(field{"defaultValue", optional, simple}))},
		field{"outputs", required, dict(portForm, port())},
		field{"boot-options", optional, bootOptions()},
		field{"min-visible-inputs", optional, count},
		field{"progress_regexp", optional, text},
	)
}

// port is an input or an output.
func port(own ...field) rule {
	fields := []field{
		{"displayOrder", optional, number},
		{"label", required, text},
		{"description", required, text},
		{"type", required, form(typeForm, "number, integer, boolean, string, ref_contentSchema or data:type/subtype")},
		{"contentSchema", optional, dict(anyName, anything)},
		{"fileToKeyMap", optional, dict(`.`, form(portForm, "of letters, digits, _ and -"))},
		{"unit", optional, text},
	}
	return closed(append(append(fields, own...), field{"widget", optional, widget()})...)
}

func widget() rule {
	details := closed(field{"minHeight", optional, count}, field{"structure", optional,
		list(1, closed(field{"key", required, item}, field{"label", required, text}))})
	return closed(field{"type", required, choice("TextArea", "SelectBox")}, field{"details", required, details})
}

func bootOptions() rule {
	item := closed(field{"label", required, text}, field{"description", required, text})
	option := loose(field{"label", required, text}, field{"description", required, text},
		field{"default", required, text}, field{"items", required, dict(anyName, item)})
	return dict(envForm, func(r *reader, v value) value {
		v = option(r, v)
		t, _ := v.data.(table)
		chosen, _ := t.get("default").text()
		if items, ok := t.get("items").value.data.(table); ok && chosen != "" && items.get(chosen).key == "" {
			r.add(t.get("default").at, fmt.Sprintf("the default %q is not one of the items", chosen))
		}
		return v
	})
}

// runtimeShape is runtime.yml. A compose-spec is taken as it stands: the tool
// orders its keys by a model of compose files.
func runtimeShape() rule {
	nat := loose(field{"hostname", required, text}, field{"tcp_ports", required, list(0, anything)},
		field{"dns_resolver", optional, dict(anyName, anything)})
	return closed(
		field{"compose-spec", optional, dict(anyName, anything)},
		field{"container-http-entrypoint", optional, text},
		field{"restart-policy", optional, choice("no-restart", "on-inputs-downloaded")},
		field{"callbacks-mapping", optional, callbacks()},
		field{"paths-mapping", optional, pathsMapping()},
		field{"is-collaborative", optional, boolean},
		field{"user-preferences-path", optional, folder},
		field{"user-preferences-version-source", optional, choice("service-version", "version-display")},
		field{"boot-options", optional, bootOptions()},
		field{"min-visible-inputs", optional, count},
		field{"containers-allowed-outgoing-permit-list", optional, dict(anyName, list(0, nat))},
		field{"containers-allowed-outgoing-internet", optional, list(0, text)},
		field{"tracing", optional, boolean},
		field{"settings", optional, list(0, setting)},
	)
}

func callbacks() rule {
	command := closed(field{"service", required, text}, field{"command", required, either}, field{"timeout", required, number})
	return closed(field{"metrics", optional, command}, field{"before_shutdown", optional, list(0, command)},
		field{"inactivity", optional, capped(command)})
}

// capped is a command that has between 1 and 5 seconds.
func capped(command rule) rule {
	return func(r *reader, v value) value {
		v = command(r, v)
		t, _ := v.data.(table)
		if e := t.get("timeout"); e.key != "" {
			if f, ok := e.value.data.(float64); ok && (f < 1 || f > 5) {
				r.wrong(e.value, "between 1 and 5")
			}
		}
		return v
	}
}

func pathsMapping() rule {
	return closed(
		field{"inputs_path", required, folder},
		field{"outputs_path", required, folder},
		field{"state_paths", optional, list(0, folder)},
		field{"state_exclude", optional, list(0, text)},
		field{"volume_size_limits", optional, dict(`^/`, text)},
		field{"legacy_state", optional, loose(field{"old_state_path", required, folder}, field{"new_state_path", required, folder})},
	)
}

// setting is one of the settings that the platform starts the service with.
// Constraints are written without spaces.
func setting(r *reader, v value) value {
	v = loose(
		field{"name", required, text},
		field{"type", required, settingType},
		field{"value", required, anything},
	)(r, v)
	t, _ := v.data.(table)
	if name, _ := t.get("name").text(); name != "constraints" {
		return v
	}
	for i, e := range t {
		if e.key == "value" {
			t[i].value = list(0, unspaced)(r, e.value)
		}
	}
	return v
}

func unspaced(r *reader, v value) value {
	if s, ok := v.data.(string); ok {
		v.data = strings.ReplaceAll(s, " ", "")
		return v
	}
	return text(r, v)
}

func settingType(r *reader, v value) value {
	if v.data == "resources" {
		v.data = "Resources" // as it was called before
	}
	return choice("string", "int", "integer", "number", "object", "ContainerSpec", "Resources")(r, v)
}
