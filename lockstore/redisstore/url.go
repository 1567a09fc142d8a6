package redisstore

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// parameters are what a URL may have after the question mark. configure sets the other
// options of go-redis.
var parameters = []string{"addr", "cluster", "master_name", "username", "password", "db", "pool_size", "client_name", "skip_verify"}

var errUnreadable = errors.New("cannot be read; in a password, write % and two hexadecimal digits for each of :/?#[]@%")

// parse reads a URL. Its errors quote no part of the URL: if it is malformed, any
// part may be a piece of the password.
func parse(rawURL string) (*redis.UniversalOptions, error) {
	u, err := url.Parse(rawURL)
	if err != nil || strings.Contains(rawURL, "#") {
		return nil, errUnreadable
	}
	if !slices.Contains([]string{"redis", "rediss", "unix"}, u.Scheme) || u.Opaque != "" {
		return nil, errors.New("must begin with redis://, rediss:// or unix://")
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errUnreadable
	}
	for name, values := range q {
		if !slices.Contains(parameters, name) {
			return nil, fmt.Errorf("unknown parameter; the parameters are %s", strings.Join(parameters, ", "))
		}
		if name != "addr" && len(values) > 1 {
			return nil, fmt.Errorf("%s must be given once", name)
		}
	}
	o, err := serversOf(u, q)
	if err != nil {
		return nil, err
	}
	if o.DB, err = database(u, q); err != nil {
		return nil, err
	}
	if o.IsClusterMode && o.DB != 0 {
		return nil, errors.New("a Cluster has only database 0")
	}
	if o.PoolSize, err = number(q.Get("pool_size")); err != nil {
		return nil, errors.New("pool_size must be a number")
	}
	o.ClientName = q.Get("client_name")
	skip, ok := map[string]bool{"": false, "false": false, "0": false, "true": true, "1": true}[q.Get("skip_verify")]
	if !ok {
		return nil, errors.New("skip_verify must be true or false")
	}
	if u.Scheme == "rediss" {
		// Without a ServerName, each certificate is compared with the name of its
		// own server.
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: skip}
	}
	return o, nil
}

// serversOf returns where the servers are, what they are and with which
// credentials.
func serversOf(u *url.URL, q url.Values) (*redis.UniversalOptions, error) {
	cluster, sentinel := q.Has("cluster"), q.Has("master_name")
	o := &redis.UniversalOptions{IsClusterMode: cluster, MasterName: q.Get("master_name")}
	switch {
	case cluster && q.Get("cluster") != "true":
		return nil, errors.New("cluster must be true or be left out")
	case sentinel && cluster:
		return nil, errors.New("must not have both master_name, which is Sentinel's, and cluster")
	case sentinel && o.MasterName == "":
		return nil, errors.New("master_name must not be empty: it is the name by which Sentinel knows the master")
	case q.Has("addr") && !sentinel && !cluster:
		return nil, errors.New("addr must come with cluster=true or with master_name")
	case (q.Has("username") || q.Has("password")) && !sentinel:
		return nil, errors.New("the parameters username and password must come with master_name")
	case u.Scheme == "unix" && (sentinel || cluster):
		return nil, errors.New("a Cluster and Sentinel must begin with redis:// or rediss://")
	}

	first, err := address(u)
	if err != nil {
		return nil, err
	}
	o.Addrs = []string{first}
	for _, addr := range q["addr"] {
		if host, port, err := net.SplitHostPort(addr); err != nil || host == "" || port == "" {
			return nil, errors.New("addr must be host:port")
		}
		o.Addrs = append(o.Addrs, addr)
	}

	user := u.User.Username()
	password, _ := u.User.Password()
	if sentinel {
		o.SentinelUsername, o.SentinelPassword = user, password
		o.Username, o.Password = q.Get("username"), q.Get("password")
	} else {
		o.Username, o.Password = user, password
	}
	return o, nil
}

// address returns the host and port, or else the path, that the URL names.
func address(u *url.URL) (string, error) {
	if u.Scheme == "unix" {
		if u.Host != "" || u.Path == "" {
			return "", errors.New("unix:// must be followed by the path of a socket, as in unix:///run/redis.sock")
		}
		return u.Path, nil
	}
	host, port := u.Hostname(), u.Port()
	if host == "" {
		host = "localhost"
	}
	if port == "" {
		port = "6379"
	}
	return net.JoinHostPort(host, port), nil
}

// database returns the number of the database that the URL names in its path or
// as db.
func database(u *url.URL, q url.Values) (int, error) {
	text := q.Get("db")
	if u.Scheme != "unix" && text == "" {
		text = strings.TrimPrefix(u.Path, "/")
	} else if u.Scheme != "unix" && strings.Trim(u.Path, "/") != "" {
		return 0, errors.New("the database must be given once")
	}
	db, err := number(text)
	if err != nil {
		return 0, errors.New("the database must be a number, as in redis://host:6379/2")
	}
	return db, nil
}

// number reads a number from 0. An empty text stands for 0.
func number(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err
}
