//go:build linux

package images

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/medbuild/medbuild/integration/kit"
	"golang.org/x/net/websocket"
	"golang.org/x/sys/unix"
)

// kernelID is the kernel that users choose, by the name that never changes.
const kernelID = "python-maths"

// httpClient speaks to the service inside its network.
func (s *service) httpClient(t *testing.T) *http.Client {
	t.Helper()
	return &http.Client{
		Timeout:   2 * time.Minute,
		Jar:       kit.Must(cookiejar.New(nil))(t),
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: s.dialer(t)},
	}
}

// dialer connects from the container's network.
func (s *service) dialer(t *testing.T) func(ctx context.Context, network, address string) (net.Conn, error) {
	t.Helper()
	// The container's process has its number in the engine's own /proc.
	ns := fmt.Sprintf("/proc/%d/root/proc/%s/ns/net", s.docker.Cmd.Process.Pid, s.inspect(t, "{{.State.Pid}}"))
	return func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		err = within(ns, func() (err error) {
			conn, err = new(net.Dialer).DialContext(ctx, network, address)
			return err
		})
		return conn, err
	}
}

// within calls f in a network namespace. The thread goes back to its own: were
// it given up, the kernel would end the engines that it once started.
func within(ns string, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer own.Close()
	other, err := os.Open(ns)
	if err != nil {
		return err
	}
	defer other.Close()
	if err := unix.Setns(int(other.Fd()), unix.CLONE_NEWNET); err != nil {
		return err
	}
	err = f()
	if back := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); back != nil {
		runtime.LockOSThread() // one more: nobody else gets this thread
		return errors.Join(err, back)
	}
	return err
}

// post sends JSON to the service's API and reads the answer into out, as a
// browser would: with the cookie that proves where the request comes from.
func (s *service) post(t *testing.T, at string, in, out any) {
	t.Helper()
	here := kit.Must(url.Parse("http://127.0.0.1:8888"))(t)
	if status, body := s.get(t, "/lab"); status != http.StatusOK {
		t.Fatalf("/lab answers %d: %s", status, body)
	}
	req := kit.Must(http.NewRequestWithContext(t.Context(), http.MethodPost, here.String()+at, strings.NewReader(string(kit.Must(json.Marshal(in))(t)))))(t)
	req.Header.Set("Content-Type", "application/json")
	for _, c := range s.client.Jar.Cookies(here) {
		if c.Name == "_xsrf" {
			req.Header.Set("X-XSRFToken", c.Value)
		}
	}
	resp, err := s.client.Do(req)
	kit.NoError(t, err)
	defer resp.Body.Close()
	body := kit.Must(io.ReadAll(resp.Body))(t)
	if resp.StatusCode/100 != 2 {
		t.Fatalf("POST %s: %s: %s", at, resp.Status, body)
	}
	kit.NoError(t, json.Unmarshal(body, out))
}

// socket opens a web socket of the service.
func (s *service) socket(t *testing.T, at string) *websocket.Conn {
	t.Helper()
	config := kit.Must(websocket.NewConfig("ws://127.0.0.1:8888"+at, "http://127.0.0.1:8888"))(t)
	for _, c := range s.client.Jar.Cookies(kit.Must(url.Parse("http://127.0.0.1:8888"))(t)) {
		config.Header.Add("Cookie", c.Name+"="+c.Value)
	}
	conn := kit.Must(s.dialer(t)(t.Context(), "tcp", "127.0.0.1:8888"))(t)
	ws, err := websocket.NewClient(config, conn)
	if err != nil {
		conn.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	return ws
}

// kernel is a notebook's kernel in the running service.
type kernel struct {
	ws    *websocket.Conn
	cells int
}

// message is one of Jupyter's messages.
type message struct {
	Channel  string         `json:"channel"`
	Header   header         `json:"header"`
	Parent   header         `json:"parent_header"`
	Metadata map[string]any `json:"metadata"`
	Content  content        `json:"content"`
}

type header struct {
	ID      string `json:"msg_id,omitempty"`
	Type    string `json:"msg_type,omitempty"`
	Session string `json:"session,omitempty"`
	User    string `json:"username,omitempty"`
	Version string `json:"version,omitempty"`
}

// content is what tests use of the messages' contents.
type content struct {
	Code      string         `json:"code"`
	Store     bool           `json:"store_history"`
	Text      string         `json:"text,omitempty"`
	State     string         `json:"execution_state,omitempty"`
	Data      map[string]any `json:"data,omitempty"`
	Name      string         `json:"ename,omitempty"`
	Value     string         `json:"evalue,omitempty"`
	Traceback []string       `json:"traceback,omitempty"`
}

// kernel opens a notebook of the workspace with the kernel that users have.
func (s *service) kernel(t *testing.T) *kernel {
	t.Helper()
	s.notebooks++
	name := fmt.Sprintf("test-%d.ipynb", s.notebooks) // one path is one kernel
	var session struct {
		Kernel struct {
			ID string `json:"id"`
		} `json:"kernel"`
	}
	s.post(t, "/api/sessions", map[string]any{"path": "workspace/" + name, "name": name, "type": "notebook",
		"kernel": map[string]string{"name": kernelID}}, &session)
	return &kernel{ws: s.socket(t, "/api/kernels/"+session.Kernel.ID+"/channels?session_id=test")}
}

// run runs a cell and returns what it printed and the value it ended with. An
// exception is the error.
func (k *kernel) run(code string) (string, error) {
	k.cells++
	id := fmt.Sprintf("cell-%d", k.cells)
	ask := message{Channel: "shell", Metadata: map[string]any{}, Content: content{Code: code, Store: true},
		Header: header{ID: id, Type: "execute_request", Session: "test", User: "test", Version: "5.3"}}
	if err := errors.Join(k.ws.SetDeadline(time.Now().Add(5*time.Minute)), websocket.JSON.Send(k.ws, ask)); err != nil {
		return "", err
	}
	var out strings.Builder
	var failed error
	for {
		var m message
		if err := websocket.JSON.Receive(k.ws, &m); err != nil {
			return out.String(), fmt.Errorf("the kernel's answer: %w", err)
		}
		if m.Parent.ID != id || m.Channel != "iopub" {
			continue
		}
		switch m.Header.Type {
		case "stream":
			out.WriteString(m.Content.Text)
		case "execute_result", "display_data":
			fmt.Fprintln(&out, m.Content.Data["text/plain"])
		case "error":
			failed = fmt.Errorf("%s: %s\n%s", m.Content.Name, m.Content.Value, strings.Join(m.Content.Traceback, "\n"))
		case "status":
			if m.Content.State == "idle" {
				return out.String(), failed
			}
		}
	}
}

// runNotebook runs cells one after the other in a new kernel of the service, as
// a user's browser would, and returns what each printed. An exception fails
// the test.
func (s *service) runNotebook(t *testing.T, cells ...string) []string {
	t.Helper()
	k := s.kernel(t)
	var all []string
	for _, c := range cells {
		out, err := k.run(c)
		if err != nil {
			t.Fatalf("the cell\n%s\nprinted\n%s\nand failed: %v", c, out, err)
		}
		all = append(all, out)
	}
	return all
}

// terminal types a line into a new terminal of JupyterLab and returns what
// comes back until the line is done.
func (s *service) terminal(t *testing.T, line string) string {
	t.Helper()
	var made struct {
		Name string `json:"name"`
	}
	s.post(t, "/api/terminals", map[string]any{}, &made)
	ws := s.socket(t, "/terminals/websocket/"+made.Name)
	kit.NoError(t, ws.SetDeadline(time.Now().Add(time.Minute)))
	// The shell shows what is typed: the mark is another text when it is printed.
	kit.NoError(t, websocket.JSON.Send(ws, []string{"stdin", line + "; echo do''ne\r"}))
	var out strings.Builder
	for !strings.Contains(out.String(), "done\r\n") {
		var m []any
		if err := websocket.JSON.Receive(ws, &m); err != nil {
			t.Fatalf("the terminal said %q and then: %v", out.String(), err)
		}
		if len(m) > 1 && m[0] == "stdout" {
			fmt.Fprint(&out, m[1])
		}
	}
	return out.String()
}
