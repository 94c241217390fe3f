package llbtest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
)

// step adds a command: its script as it is, what it sees, and where.
func (p *paragraph) step(e *pb.ExecOp) {
	p.command(e.GetMeta().GetArgs())
	if cwd := e.GetMeta().GetCwd(); cwd != "/" {
		p.add("cwd", line(cwd))
	}
	for _, variable := range e.GetMeta().GetEnv() {
		p.add("env", line(variable))
	}
	output := int64(0)
	for _, m := range e.GetMounts() {
		p.mount(m, &output)
	}
	p.with = append(p.with, "network="+e.GetNetwork().String())
	p.stepRest(e.CloneVT())
}

// command adds the arguments, a shell's script below the others.
func (p *paragraph) command(args []string) {
	script := len(args)
	if last := len(args) - 1; last >= 0 && slices.Contains(args[:last], "-c") {
		script = last
	}
	var words []string
	for _, a := range args[:script] {
		words = append(words, word(a))
	}
	p.add("run", words...)
	for _, text := range args[script:] {
		p.verbatim(text)
	}
}

func (p *paragraph) stepRest(e *pb.ExecOp) {
	if m := e.GetMeta(); m != nil {
		m.Args, m.Env, m.Cwd = nil, nil, ""
		p.with = append(p.with, fields(reflect.ValueOf(m))...)
	} else {
		p.with = append(p.with, "Meta=none")
	}
	e.Meta, e.Mounts, e.Network = nil, nil, 0
	p.with = append(p.with, fields(reflect.ValueOf(e))...)
}

// mount adds a mount in one line: "secret /run/x id=y mode=400 optional".
func (p *paragraph) mount(m *pb.Mount, output *int64) {
	rest := m.CloneVT()
	rest.Dest, rest.MountType, rest.Input, rest.Output, rest.Readonly, rest.Selector = "", 0, 0, 0, false, ""
	words := append([]string{word(m.Dest)}, kindOf(m, rest)...)
	words = appendIf(words, m.Selector != "", "at="+word(m.Selector))
	words = appendIf(words, m.Readonly, "readonly")
	words = append(words, outputOf(m, output)...)
	words = append(words, fields(reflect.ValueOf(rest))...)
	if m.MountType == pb.MountType_BIND || m.Input != none {
		words = append(words, "from", p.input(m.Input))
	}
	p.add(strings.ToLower(m.MountType.String()), words...)
}

// kindOf is what mounts of this kind have, which it takes off the rest.
func kindOf(m, rest *pb.Mount) []string {
	switch {
	case m.MountType == pb.MountType_CACHE && m.CacheOpt != nil:
		rest.CacheOpt = nil
		return []string{"id=" + word(m.CacheOpt.ID), "sharing=" + m.CacheOpt.Sharing.String()}
	case m.MountType == pb.MountType_SECRET && m.SecretOpt != nil:
		rest.SecretOpt = nil
		return secret(m.SecretOpt)
	}
	return nil
}

func secret(s *pb.SecretOpt) []string {
	words := []string{"id=" + word(s.ID), fmt.Sprintf("mode=%o", s.Mode)}
	words = appendIf(words, s.Uid|s.Gid != 0, fmt.Sprintf("owner=%d:%d", s.Uid, s.Gid))
	return appendIf(words, s.Optional, "optional")
}

// outputOf says whether a mount is an output, and which when it is not the next
// one. Secrets and sockets are none, and have the number 0 all the same.
func outputOf(m *pb.Mount, next *int64) []string {
	bound := m.MountType != pb.MountType_SECRET && m.MountType != pb.MountType_SSH
	switch {
	case bound && m.Output == *next:
		*next++
		return []string{"output"}
	case bound && m.Output == none, !bound && m.Output == 0:
		return nil
	}
	return []string{fmt.Sprintf("output=%d", m.Output)}
}

func appendIf(words []string, add bool, word string) []string {
	if add {
		return append(words, word)
	}
	return words
}
