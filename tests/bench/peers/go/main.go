// The Go peer: what an experienced user would write with net/http and pgx. It
// listens on the Unix socket SOCKET; pgx reads the PG... variables. STORE is
// "pool": each request inserts its own rows over one of POOL connections; or
// "group": all requests that wait go into one COPY, over POOL connections.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4/pgxpool"
)

const (
	maxBody     = 4 << 20
	secretsKept = time.Minute
	// 2000-01-01, in microseconds since 1970: PostgreSQL's epoch.
	epoch    = 946684800000000
	copyHead = "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000"
	copyTail = "\377\377"
)

var columns = []string{"notification_id", "received_at", "tenant_id",
	"subscription_id", "change_type", "lifecycle_event", "call_id",
	"resource", "subscription_expires_at", "forwarded_for"}

type guid [16]byte

// parseGUID gives nil for what is no GUID.
func parseGUID(text string) *guid {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' ||
		text[18] != '-' || text[23] != '-' {
		return nil
	}
	var packed [32]byte
	var id guid
	n := copy(packed[:], text[:8])
	n += copy(packed[n:], text[9:13])
	n += copy(packed[n:], text[14:18])
	n += copy(packed[n:], text[19:23])
	copy(packed[n:], text[24:])
	if _, err := hex.Decode(id[:], packed[:]); err != nil {
		return nil
	}
	return &id
}

func newGUID() guid {
	var id guid
	rand.Read(id[:])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// An item of a notification, in Graph's names.
type item struct {
	SubscriptionID string `json:"subscriptionId"`
	ClientState    string `json:"clientState"`
	ChangeType     string `json:"changeType"`
	LifecycleEvent string `json:"lifecycleEvent"`
	Resource       string `json:"resource"`
	TenantID       string `json:"tenantId"`
	Expires        string `json:"subscriptionExpirationDateTime"`
	ResourceData   struct {
		ID string `json:"id"`
	} `json:"resourceData"`
}

type collection struct {
	Value []item `json:"value"`
}

const callRecords = "communications/callrecords/"

func (i *item) callID() *guid {
	resource := strings.TrimPrefix(i.Resource, "/")
	if len(resource) < len(callRecords) ||
		!strings.EqualFold(resource[:len(callRecords)], callRecords) {
		return nil
	}
	if id := parseGUID(i.ResourceData.ID); id != nil {
		return id
	}
	return parseGUID(resource[strings.LastIndexByte(resource, '/')+1:])
}

// row: what is stored of an item; a nil or an empty text is null.
type row struct {
	id, tenant         guid
	receivedAt         time.Time
	subscription, call *guid
	expires            *time.Time
	texts              [4]string // change_type, lifecycle_event, resource,
	// forwarded_for
}

func (i *item) row(receivedAt time.Time, forwardedFor string) row {
	r := row{id: newGUID(), receivedAt: receivedAt,
		subscription: parseGUID(i.SubscriptionID), call: i.callID(),
		texts: [4]string{i.ChangeType, i.LifecycleEvent, i.Resource,
			forwardedFor}}
	if id := parseGUID(i.TenantID); id != nil {
		r.tenant = *id
	}
	if at, err := time.Parse(time.RFC3339Nano, i.Expires); err == nil {
		r.expires = &at
	}
	return r
}

// values in the order of columns.
func (r *row) values() []interface{} {
	guid := func(id *guid) interface{} {
		if id == nil {
			return nil
		}
		return [16]byte(*id)
	}
	text := func(text string) interface{} {
		if text == "" {
			return nil
		}
		return text
	}
	var expires interface{}
	if r.expires != nil {
		expires = *r.expires
	}
	return []interface{}{[16]byte(r.id), r.receivedAt, [16]byte(r.tenant),
		guid(r.subscription), text(r.texts[0]), text(r.texts[1]),
		guid(r.call), text(r.texts[2]), expires, text(r.texts[3])}
}

// appendBinary adds the row as PostgreSQL's binary COPY has it.
func (r *row) appendBinary(to []byte) []byte {
	number := func(size int, value uint64) {
		for shift := 8 * (size - 1); shift >= 0; shift -= 8 {
			to = append(to, byte(value>>shift))
		}
	}
	null := func() { number(4, 0xffffffff) }
	guid := func(id *guid) {
		if id == nil {
			null()
			return
		}
		number(4, 16)
		to = append(to, id[:]...)
	}
	text := func(text string) {
		if text == "" {
			null()
			return
		}
		number(4, uint64(len(text)))
		to = append(to, text...)
	}
	instant := func(at *time.Time) {
		if at == nil {
			null()
			return
		}
		number(4, 8)
		number(8, uint64(at.UnixMicro()-epoch))
	}
	number(2, uint64(len(columns)))
	guid(&r.id)
	instant(&r.receivedAt)
	guid(&r.tenant)
	guid(r.subscription)
	text(r.texts[0])
	text(r.texts[1])
	guid(r.call)
	text(r.texts[2])
	instant(r.expires)
	text(r.texts[3])
	return to
}

// What a subscription's items must hold.
type secret struct {
	digest []byte
	tenant guid
}

type secrets struct {
	known atomic.Value // map[guid]secret
}

func (s *secrets) read(ctx context.Context, pool *pgxpool.Pool) error {
	rows, err := pool.Query(ctx, "SELECT secret_sha256, tenant_id, "+
		"subscription_id FROM callhook_store.good_secrets()")
	if err != nil {
		return err
	}
	defer rows.Close()
	known := map[guid]secret{}
	for rows.Next() {
		var one secret
		var subscription [16]byte
		var tenant [16]byte
		if err := rows.Scan(&one.digest, &tenant, &subscription); err != nil {
			return err
		}
		one.tenant = tenant
		known[subscription] = one
	}
	s.known.Store(known)
	return rows.Err()
}

// keep reads them again and again.
func (s *secrets) keep(ctx context.Context, pool *pgxpool.Pool) {
	for range time.Tick(secretsKept) {
		if err := s.read(ctx, pool); err != nil {
			log.Print(err)
		}
	}
}

func (s *secrets) trust(i *item) bool {
	id := parseGUID(i.SubscriptionID)
	if id == nil {
		return false
	}
	known, found := s.known.Load().(map[guid]secret)[*id]
	if !found {
		return false
	}
	digest := sha256.Sum256([]byte(i.ClientState))
	if subtle.ConstantTimeCompare(digest[:], known.digest) != 1 {
		return false
	}
	tenant := parseGUID(i.TenantID)
	return known.tenant == guid{} || tenant != nil && *tenant == known.tenant
}

// store keeps rows for good, or says why not.
type store interface {
	store(ctx context.Context, rows []row) error
}

// poolStore: one INSERT a request, prepared once for each number of rows.
type poolStore struct {
	pool  *pgxpool.Pool
	mutex sync.RWMutex
	texts map[int]string
}

func (p *poolStore) text(rows int) string {
	p.mutex.RLock()
	text := p.texts[rows]
	p.mutex.RUnlock()
	if text != "" {
		return text
	}
	var b strings.Builder
	b.WriteString("INSERT INTO callhook_store.notifications (" +
		strings.Join(columns, ", ") + ") VALUES ")
	for n := 0; n < rows*len(columns); n++ {
		switch {
		case n == 0:
			b.WriteByte('(')
		case n%len(columns) == 0:
			b.WriteString("),(")
		default:
			b.WriteByte(',')
		}
		b.WriteString("$" + strconv.Itoa(n+1))
	}
	b.WriteByte(')')
	p.mutex.Lock()
	p.texts[rows] = b.String()
	p.mutex.Unlock()
	return b.String()
}

func (p *poolStore) store(ctx context.Context, rows []row) error {
	values := make([]interface{}, 0, len(rows)*len(columns))
	for i := range rows {
		values = append(values, rows[i].values()...)
	}
	_, err := p.pool.Exec(ctx, p.text(len(rows)), values...)
	return err
}

// groupStore: who is free takes all that waits into one COPY.
type groupStore struct {
	waiting chan *group
}

// group: the rows of one request, and where its answer goes.
type group struct {
	rows []byte
	done chan error
}

func newGroupStore(ctx context.Context, pool *pgxpool.Pool,
	connections int) (*groupStore, error) {
	g := &groupStore{waiting: make(chan *group, 4096)}
	for n := 0; n < connections; n++ {
		connection, err := pool.Acquire(ctx)
		if err != nil {
			return nil, err
		}
		go g.commit(ctx, connection.Conn().PgConn())
	}
	return g, nil
}

func (g *groupStore) commit(ctx context.Context, connection *pgconn.PgConn) {
	statement := "COPY callhook_store.notifications (" +
		strings.Join(columns, ", ") + ") FROM STDIN (FORMAT binary)"
	var groups []*group
	var rows []byte
	for first := range g.waiting {
		groups = append(groups[:0], first)
		rows = append(append(rows[:0], copyHead...), first.rows...)
		for more := true; more && len(rows) < maxBody; {
			select {
			case next := <-g.waiting:
				groups = append(groups, next)
				rows = append(rows, next.rows...)
			default:
				more = false
			}
		}
		rows = append(rows, copyTail...)
		_, err := connection.CopyFrom(ctx, bytes.NewReader(rows), statement)
		for _, one := range groups {
			one.done <- err
		}
	}
}

func (g *groupStore) store(_ context.Context, rows []row) error {
	one := &group{make([]byte, 0, 256*len(rows)), make(chan error, 1)}
	for i := range rows {
		one.rows = rows[i].appendBinary(one.rows)
	}
	g.waiting <- one
	return <-one.done
}

type server struct {
	secrets secrets
	store   store
}

func answer(w http.ResponseWriter, status int, body string) {
	head := w.Header()
	head["Cache-Control"] = []string{"no-store"}
	head["X-Content-Type-Options"] = []string{"nosniff"}
	if body != "" {
		head["Content-Type"] = []string{"text/plain; charset=utf-8"}
	}
	head["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	io.WriteString(w, body)
}

var buffers = sync.Pool{New: func() interface{} { return new([]byte) }}

// readBody reads into `buffer`, which grows; too large: not ok.
func readBody(r *http.Request, buffer []byte) ([]byte, bool) {
	if r.ContentLength > maxBody {
		return buffer, false
	}
	if need := int(r.ContentLength); need > cap(buffer) {
		buffer = make([]byte, 0, need)
	}
	buffer = buffer[:0]
	for {
		if len(buffer) == cap(buffer) {
			buffer = append(buffer, 0)[:len(buffer)]
		}
		n, err := r.Body.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if err != nil || len(buffer) > maxBody {
			return buffer, err == io.EOF
		}
	}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.RawQuery != "" {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			answer(w, http.StatusBadRequest, "")
			return
		}
		if token, found := query["validationToken"]; found {
			answer(w, http.StatusOK, token[0])
			return
		}
	}
	kept := buffers.Get().(*[]byte)
	defer buffers.Put(kept)
	body, ok := readBody(r, *kept)
	*kept = body
	if !ok {
		answer(w, http.StatusRequestEntityTooLarge, "")
		return
	}
	var notification collection
	err := json.Unmarshal(body, &notification)
	if err != nil || notification.Value == nil {
		answer(w, http.StatusBadRequest, "not a notification\n")
		return
	}
	now, from := time.Now(), r.Header.Get("X-Forwarded-For")
	rows := make([]row, 0, len(notification.Value))
	for i := range notification.Value {
		if s.secrets.trust(&notification.Value[i]) {
			rows = append(rows, notification.Value[i].row(now, from))
		}
	}
	if len(rows) > 0 {
		if err := s.store.store(r.Context(), rows); err != nil {
			log.Print(err)
			answer(w, http.StatusServiceUnavailable, "")
			return
		}
	}
	answer(w, http.StatusAccepted, "")
}

// connect opens one connection more than are wanted: for the secrets.
func connect(ctx context.Context, connections int) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	config.MaxConns = int32(connections) + 1
	config.MinConns = int32(connections)
	return pgxpool.ConnectConfig(ctx, config)
}

func run() error {
	ctx := context.Background()
	connections, err := strconv.Atoi(os.Getenv("POOL"))
	if err != nil {
		return err
	}
	pool, err := connect(ctx, connections)
	if err != nil {
		return err
	}
	s := &server{}
	if err := s.secrets.read(ctx, pool); err != nil {
		return err
	}
	go s.secrets.keep(ctx, pool)
	if os.Getenv("STORE") == "group" {
		s.store, err = newGroupStore(ctx, pool, connections)
	} else {
		s.store = &poolStore{pool: pool, texts: map[int]string{}}
	}
	if err != nil {
		return err
	}
	listener, err := net.Listen("unix", os.Getenv("SOCKET"))
	if err != nil {
		return err
	}
	if err := os.Chmod(os.Getenv("SOCKET"), 0o660); err != nil {
		return err
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	go func() {
		<-ended
		os.Exit(0)
	}()
	log.Print("ready")
	return (&http.Server{Handler: s, IdleTimeout: 65 * time.Second}).
		Serve(listener)
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
