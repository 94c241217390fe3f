package llbtest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
)

// TestEveryFieldShows changes each field of each kind of operation, and of what
// is said beside it: a golden file that says nothing of a change is none.
func TestEveryFieldShows(t *testing.T) {
	for name, op := range everyKind() {
		t.Run(name, func(t *testing.T) {
			o := &Op{Op: op, Name: "name"}
			new(filler).fill(reflect.ValueOf(op).Elem())
			new(filler).fill(reflect.ValueOf(&o.Metadata).Elem())
			op.Inputs = []*pb.Input{{Digest: "a"}, {Digest: "b", Index: 1}}
			everyChangeShows(t, o)
		})
	}
}

// TestEveryFieldOfRealOperationsShows does so with operations as they are made,
// where most fields have the values that the text does not mention.
func TestEveryFieldOfRealOperationsShows(t *testing.T) {
	base := bk.Image("base")
	files := base.File(bk.Copy(bk.Image("other"), "a", "b").Mkfile("c", 0o600, []byte("text\n")).Mkdir("d", 0o700).Rm("e").Symlink("f", "g"))
	secret := bk.AddSecret("/s", bk.SecretOptional)
	cache := bk.AddMount("/c", bk.Scratch(), bk.AsPersistentCacheDir("id", bk.CacheMountPrivate))
	g := Read(t, End{"step", bk.Merge([]bk.State{someState(secret, cache), files, bk.Diff(base, files)})}, End{"git", bk.Git("https://git.example/a", "b")})
	for _, o := range g.Ops {
		for i := range o.Inputs {
			o.Inputs[i].Digest = string(rune('a' + i))
		}
		t.Run(o.Name, func(t *testing.T) { everyChangeShows(t, o) })
	}
}

func everyKind() map[string]*pb.Op {
	kinds := map[string]*pb.Op{
		"source":      {Op: &pb.Op_Source{}},
		"merge":       {Op: &pb.Op_Merge{}},
		"diff":        {Op: &pb.Op_Diff{}},
		"build":       {Op: &pb.Op_Build{}},
		"passthrough": {Op: &pb.Op_Passthrough{}},
		"copy":        file(&pb.FileAction{Action: &pb.FileAction_Copy{}}),
		"mkfile":      file(&pb.FileAction{Action: &pb.FileAction_Mkfile{}}),
		"mkdir":       file(&pb.FileAction{Action: &pb.FileAction_Mkdir{}}),
		"rm":          file(&pb.FileAction{Action: &pb.FileAction_Rm{}}),
		"symlink":     file(&pb.FileAction{Action: &pb.FileAction_Symlink{}}),
	}
	for n, kind := range pb.MountType_name {
		mounts := []*pb.Mount{{MountType: pb.MountType(n)}, {MountType: pb.MountType(n)}}
		kinds["step with "+kind] = &pb.Op{Op: &pb.Op_Exec{Exec: &pb.ExecOp{Mounts: mounts}}}
	}
	return kinds
}

func file(a *pb.FileAction) *pb.Op {
	return &pb.Op{Op: &pb.Op_File{File: &pb.FileOp{Actions: []*pb.FileAction{a, {Action: &pb.FileAction_Rm{}}}}}}
}

// filler gives each field that has none a value of its own.
type filler struct {
	n      int            // grows with each value
	within []reflect.Type // types do not stand in themselves
}

func (f *filler) fill(v reflect.Value) {
	switch kind := v.Kind(); {
	case v.CanAddr() && v.Type() == reflect.TypeFor[pb.UserOpt]():
		f.user(v.Addr().Interface().(*pb.UserOpt))
	case kind == reflect.Struct:
		for i, field := range v.Fields() {
			if i.IsExported() {
				f.fill(field)
			}
		}
	case kind == reflect.Slice && !isBytes(v):
		f.slice(v)
	case kind == reflect.Pointer:
		f.pointer(v)
	case kind == reflect.Interface && !v.IsNil():
		f.fill(v.Elem().Elem())
	case kind == reflect.Map:
		f.entry(v)
	case kind != reflect.Interface && v.IsZero():
		v.Set(f.leaf(v.Type()))
	}
}

func isBytes(v reflect.Value) bool { return v.Type() == reflect.TypeFor[[]byte]() }

func (f *filler) user(u *pb.UserOpt) {
	if f.n++; f.n%2 == 0 {
		u.User = &pb.UserOpt_ByID{ByID: 7}
	} else {
		u.User = &pb.UserOpt_ByName{ByName: &pb.NamedUserOpt{Name: "me", Input: 1}}
	}
}

func (f *filler) slice(v reflect.Value) {
	if v.IsZero() {
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
	}
	for i := range v.Len() {
		f.fill(v.Index(i))
	}
}

func (f *filler) pointer(v reflect.Value) {
	if slices.Contains(f.within, v.Type()) {
		return
	}
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
	}
	f.within = append(f.within, v.Type())
	f.fill(v.Elem())
	f.within = f.within[:len(f.within)-1]
}

func (f *filler) entry(v reflect.Value) {
	element := reflect.New(v.Type().Elem()).Elem()
	f.fill(element)
	v.Set(reflect.MakeMap(v.Type()))
	v.SetMapIndex(f.leaf(v.Type().Key()), element)
}

func (f *filler) leaf(of reflect.Type) reflect.Value {
	f.n++
	switch of.Kind() {
	case reflect.Bool:
		return reflect.ValueOf(true).Convert(of)
	case reflect.String, reflect.Slice:
		return reflect.ValueOf(fmt.Sprint("text ", f.n)).Convert(of)
	}
	return reflect.ValueOf(f.n).Convert(of)
}

// everyChangeShows changes what an operation has, one thing at a time, and takes
// it back.
func everyChangeShows(t *testing.T, o *Op) {
	t.Helper()
	before, n := inputsRead(o), 0
	try := func(path string, change, undo func()) {
		if strings.HasPrefix(path, "Metadata.Caps") {
			return // what the engine must be able to do follows from the rest
		}
		change()
		if n++; inputsRead(o) == before {
			t.Errorf("a change of %s does not show:\n%s", path, before)
		}
		undo()
	}
	changes(reflect.ValueOf(o.Op), "Op", try)
	changes(reflect.ValueOf(&o.Metadata), "Metadata", try)
	if inputsRead(o) != before || n < 10 {
		t.Errorf("%d changes, and then another operation", n)
	}
}

// inputsRead is the text of an operation as a graph with inputs a to e has it.
func inputsRead(o *Op) string {
	g := &Graph{seen: map[string]*Op{}}
	for _, name := range []string{"a", "b", "c", "d", "e", "a changed", "b changed", "c changed", "d changed", "e changed"} {
		g.seen[name] = &Op{Op: &pb.Op{}, Name: "input " + name}
	}
	from, err := g.references(o.Inputs)
	if err != nil {
		return err.Error()
	}
	o.From, o.Name = from, o.title()
	return o.String()
}

type attempt func(path string, change, undo func())

func (try attempt) set(path string, v, to reflect.Value) {
	was := reflect.New(v.Type()).Elem()
	was.Set(v)
	try(path, func() { v.Set(to) }, func() { v.Set(was) })
}

func changes(v reflect.Value, path string, try attempt) {
	switch kind := v.Kind(); {
	case kind == reflect.Struct:
		for i, f := range v.Fields() {
			if i.IsExported() {
				changes(f, path+"."+i.Name, try)
			}
		}
	case kind == reflect.Interface && v.IsNil(): // nobody chose
	case kind == reflect.Pointer || kind == reflect.Interface:
		changesBelow(v, path, try)
	case kind == reflect.Slice && !isBytes(v):
		changesOfList(v, path, try)
	case kind == reflect.Map:
		changesOfMap(v, path, try)
	default:
		for _, other := range others(v) {
			if other = other.Convert(v.Type()); !reflect.DeepEqual(other.Interface(), v.Interface()) {
				try.set(fmt.Sprintf("%s to %v", path, other), v, other)
			}
		}
	}
}

// changesBelow are those of a pointer and of what it leads to. Elements of a list
// are always there, and so is what a choice between messages has.
func changesBelow(v reflect.Value, path string, try attempt) {
	if v.IsNil() && v.Kind() == reflect.Pointer {
		try.set(path+" to an empty one", v, reflect.New(v.Type().Elem()))
		return
	}
	if v.CanSet() && !strings.HasSuffix(path, "]") {
		try.set(path+" to none", v, reflect.Zero(v.Type()))
	}
	below := v.Elem()
	if v.Kind() == reflect.Interface {
		below = reflect.Indirect(v.Elem().Elem().Field(0))
	}
	changes(below, path, try)
}

func changesOfList(v reflect.Value, path string, try attempt) {
	extra := reflect.New(v.Type().Elem()).Elem()
	new(filler).fill(extra)
	try.set(path+" by one more", v, reflect.Append(v.Slice3(0, v.Len(), v.Len()), extra))
	if n := v.Len(); n > 0 {
		try.set(path+" by one less", v, v.Slice(0, n-1))
	}
	if v.Len() > 1 {
		swapped := reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()), v)
		reflect.Swapper(swapped.Interface())(0, 1)
		try.set(path+" in their order", v, swapped)
	}
	for i := range v.Len() {
		changes(v.Index(i), fmt.Sprintf("%s[%d]", path, i), try)
	}
}

func changesOfMap(v reflect.Value, path string, try attempt) {
	more := reflect.New(v.Type()).Elem()
	new(filler).entry(more)
	for key, value := range v.Seq2() {
		more.SetMapIndex(key, value)
		element := reflect.New(value.Type()).Elem()
		element.Set(value)
		put := func() { v.SetMapIndex(key, element) }
		changes(element, fmt.Sprintf("%s[%v]", path, key), func(path string, change, undo func()) {
			try(path, func() { change(); put() }, func() { undo(); put() })
		})
	}
	try.set(path+" by one more", v, more)
}

// others is values that v may have instead.
func others(v reflect.Value) []reflect.Value {
	switch {
	case v.Kind() == reflect.Bool:
		return []reflect.Value{reflect.ValueOf(!v.Bool())}
	case v.Kind() == reflect.String || isBytes(v):
		s := v.Convert(reflect.TypeFor[string]()).String()
		return []reflect.Value{reflect.ValueOf(s + " changed"), reflect.ValueOf(""), reflect.ValueOf(s + "\n")}
	case v.CanUint():
		return []reflect.Value{reflect.ValueOf(v.Uint() + 1), reflect.ValueOf(uint64(0))}
	}
	return []reflect.Value{reflect.ValueOf(v.Int() + 1), reflect.ValueOf(v.Int() - 1), reflect.ValueOf(int64(0)), reflect.ValueOf(int64(-1))}
}
