package faults

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"time"
)

// answer is what a faulty server does with a request; rec is what a good one says.
type answer func(w http.ResponseWriter, rec *httptest.ResponseRecorder)

// fault is one that a server can have.
type fault struct {
	name   string
	answer answer // nil: nothing listens
	passes bool   // another try may help
	timed  bool   // it ends with the time for a fetch
	bytes  bool   // it is one of the content, not of the server
}

// faults are the twelve that are tried with every kind of source.
func faults() []fault {
	return []fault{
		{name: "404", answer: status(http.StatusNotFound)},
		{name: "401", answer: status(http.StatusUnauthorized)},
		{name: "429", answer: status(http.StatusTooManyRequests), passes: true},
		{name: "500", answer: status(http.StatusInternalServerError), passes: true},
		{name: "cut off in the middle", answer: cut, passes: true, bytes: true},
		{name: "connection reset", answer: reset, passes: true},
		{name: "connection refused", passes: true},
		{name: "stops sending", answer: drip(0), timed: true, bytes: true},
		{name: "a byte a second", answer: drip(time.Second), timed: true, bytes: true},
		{name: "other bytes", answer: other, bytes: true},
		{name: "empty body", answer: emptyBody, bytes: true},
		{name: "redirects in a loop", answer: loop},
	}
}

// faulty is a server with a fault for some requests.
type faulty struct {
	http.Handler
	matches func(r *http.Request, rec *httptest.ResponseRecorder) bool
	answer  answer
	well    atomic.Bool // it has no fault any more
}

// ServeHTTP answers a request.
func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Header.Del("Range") // a server need not know it
	rec := httptest.NewRecorder()
	f.Handler.ServeHTTP(rec, r)
	if !f.well.Load() && f.matches(r, rec) {
		f.answer(w, rec)
		return
	}
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes()) // the client may have gone
}

func status(code int) answer {
	return func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
		w.Header().Set("Retry-After", "1")
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		http.Error(w, http.StatusText(code), code)
	}
}

// announce begins an answer of that many bytes.
func announce(w http.ResponseWriter, rec *httptest.ResponseRecorder, size int) {
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Length", strconv.Itoa(size))
	w.WriteHeader(rec.Code)
	_ = http.NewResponseController(w).Flush()
}

func half(w http.ResponseWriter, rec *httptest.ResponseRecorder) net.Conn {
	body := rec.Body.Bytes()
	announce(w, rec, max(2, len(body)))
	_, _ = w.Write(body[:len(body)/2]) // the client may have gone
	_ = http.NewResponseController(w).Flush()
	conn, _, _ := http.NewResponseController(w).Hijack()
	return conn
}

func cut(w http.ResponseWriter, rec *httptest.ResponseRecorder) { _ = half(w, rec).Close() }

func reset(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
	conn, _, _ := http.NewResponseController(w).Hijack()
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// drip sends half, and then a byte in each interval, or nothing, until the client
// goes.
func drip(interval time.Duration) answer {
	return func(w http.ResponseWriter, rec *httptest.ResponseRecorder) {
		conn := half(w, rec)
		defer conn.Close()
		if interval == 0 {
			_, _ = io.Copy(io.Discard, conn)
			return
		}
		for _, b := range rec.Body.Bytes()[rec.Body.Len()/2:] {
			if _, err := conn.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(interval)
		}
	}
}

// other sends as many bytes with the end of the content changed: of a
// repository's pack the checksum is wrong then.
func other(w http.ResponseWriter, rec *httptest.ResponseRecorder) {
	body := bytes.Clone(rec.Body.Bytes())
	for i := max(0, len(body)-60); i < len(body)-8; i++ {
		body[i] ^= 0x5a
	}
	announce(w, rec, len(body))
	_, _ = w.Write(body)
}

func emptyBody(w http.ResponseWriter, rec *httptest.ResponseRecorder) { announce(w, rec, 0) }

func loop(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
	w.Header().Set("Location", "?again")
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusFound)
}
