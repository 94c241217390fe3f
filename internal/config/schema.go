package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/stages"
)

// schema is a JSON Schema or a part of one. Its keys are written in
// alphabetical order.
type schema map[string]any

// Schema is the JSON Schema (draft 2020-12) of components.toml for editors,
// made from the settings types; their doc tags are its descriptions.
func Schema() ([]byte, error) {
	s := structSchema(reflect.TypeFor[document]())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "components.toml"
	s["$defs"] = definitions()
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return out.Bytes(), nil
}

// definitions are the settings of each stage, and "component": any of them,
// which the stage key tells apart.
func definitions() schema {
	defs, all := schema{}, []schema{}
	for _, k := range stages.All() {
		defs[k.Name] = kindSchema(k)
		all = append(all, reference(k.Name))
	}
	defs["component"] = schema{"oneOf": all, "required": []string{"stage"}}
	return defs
}

func reference(name string) schema { return schema{"$ref": "#/$defs/" + name} }

func kindSchema(k stage.Kind) schema {
	defaults := k.Defaults()
	s := structSchema(reflect.TypeOf(defaults).Elem())
	s["description"] = k.About
	properties := s["properties"].(schema)
	addDefaults(properties, reflect.ValueOf(defaults).Elem())
	properties["stage"].(schema)["const"] = k.Name
	if defaults.Shared().Version == "" {
		s["required"] = []string{"version"}
	}
	return s
}

func addDefaults(properties schema, v reflect.Value) {
	for _, f := range fields(v.Type()) {
		value := v.FieldByIndex(f.Index)
		if value.IsZero() || f.Type == fileType || value.Kind() == reflect.Struct {
			continue
		}
		properties[f.Key].(schema)["default"] = value.Interface()
	}
}

func structSchema(t reflect.Type) schema {
	properties := schema{}
	for _, f := range fields(t) {
		properties[f.Key] = fieldSchema(t, f)
	}
	s := schema{"type": "object", "properties": properties, "additionalProperties": false}
	if t == reflect.TypeFor[Target]() {
		s["required"] = []string{"base"}
	}
	return s
}

func fieldSchema(owner reflect.Type, f field) schema {
	s := typeSchema(f.Type)
	if f.Doc != "" {
		s["description"] = f.Doc
	}
	if r, ok := ruleOf(owner, f); ok {
		addPattern(s, r)
	}
	if f.Empty == "" {
		addLength(s)
	}
	if r, ok := formRule(f.Keys); ok {
		addKeys(s, r)
	}
	return s
}

// addPattern puts a rule's form on a string, or on the strings of an array, of
// a table or of whatever else the value can be.
func addPattern(s schema, r rule) {
	all, _ := s["anyOf"].([]schema)
	for _, key := range []string{"items", "additionalProperties"} {
		if below, ok := s[key].(schema); ok {
			all = append(all, below)
		}
	}
	for _, below := range all {
		addPattern(below, r)
	}
	if s["type"] == "string" {
		s["pattern"] = r.form.String()
	}
}

// addLength wants a string, or the strings of an array or a table, to say something.
func addLength(s schema) {
	all, _ := s["anyOf"].([]schema)
	for _, key := range []string{"items", "additionalProperties"} {
		if below, ok := s[key].(schema); ok && below["type"] != "object" {
			all = append(all, below)
		}
	}
	for _, below := range all {
		addLength(below)
	}
	if s["type"] == "string" {
		s["minLength"] = 1
	}
}

// addKeys puts a rule's form on the keys of a table.
func addKeys(s schema, r rule) {
	if choices, ok := s["anyOf"].([]schema); ok {
		s = choices[len(choices)-1]
	}
	s["propertyNames"] = schema{"pattern": r.form.String()}
}

func typeSchema(t reflect.Type) schema {
	switch {
	case t == fileType, t == serviceType:
		return schema{"type": "string"}
	case t == debsType:
		return schema{"anyOf": []schema{typeSchema(t.Elem()), {"type": "object", "additionalProperties": typeSchema(t.Elem())}}}
	case named(t):
		return namedSchema(t)
	}
	switch t.Kind() {
	case reflect.Struct:
		return structSchema(t)
	case reflect.Map:
		return schema{"type": "object", "additionalProperties": typeSchema(t.Elem())}
	case reflect.Slice:
		return schema{"type": "array", "items": typeSchema(t.Elem())}
	case reflect.Pointer:
		return typeSchema(t.Elem())
	}
	return schema{"type": scalarName(t)}
}

func scalarName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Float32, reflect.Float64:
		return "number"
	}
	return "integer"
}

// namedSchema is a table of tables that the user names.
func namedSchema(t reflect.Type) schema {
	s := schema{"type": "object", "propertyNames": schema{"pattern": nameRule.form.String()}}
	if t.Elem() != toolType {
		s["additionalProperties"] = typeSchema(t.Elem())
		return s
	}
	known := schema{}
	for _, k := range stages.All() {
		known[k.Name] = schema{"anyOf": []schema{reference(k.Name), reference("component")}}
	}
	s["properties"], s["additionalProperties"] = known, reference("component")
	return s
}
