package storage

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// SettingsName is the file in a registry's folder that says that the registry lies elsewhere.
const SettingsName = "storage"

const settingsFormat = "stele.storage/1"

// Settings say in which bucket and database a registry lies. The file holds no secrets: those of the bucket come from
// where every program for S3 takes them (AWS_ACCESS_KEY_ID, AWS_PROFILE, the machine's role, …), the database's password from
// STELE_DATABASE_PASSWORD_FILE or STELE_DATABASE_PASSWORD.
//
//	stele.storage/1
//	bucket stele-registry
//	prefix gov            (optional)
//	region eu-central-1
//	endpoint https://s3.gov.example   (optional: a store that is not AWS's)
//	database stele@tcp(db.gov.example:3306)/stele
type Settings struct {
	Bucket   string
	Prefix   string // within the bucket, without slashes at its ends
	Region   string
	Endpoint string // empty for AWS's own
	Database string // data source name: github.com/go-sql-driver/mysql
}

// ParseSettings parses the file.
func ParseSettings(b []byte) (*Settings, error) {
	s, err := parseSettings(b)
	if err == nil {
		err = s.checkBucket()
	}
	if err == nil {
		err = s.checkDatabase()
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// ParseBucket parses a file that names a bucket alone, such as an edge's.
func ParseBucket(b []byte) (*Settings, error) {
	s, err := parseSettings(b)
	if err == nil {
		err = s.checkBucket()
	}
	if err == nil && s.Database != "" {
		err = errors.New("a database line: want a bucket alone")
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

func parseSettings(b []byte) (*Settings, error) {
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	if lines[0] != settingsFormat {
		return nil, fmt.Errorf("line 1: %q, want %q", lines[0], settingsFormat)
	}
	s := &Settings{}
	fields := map[string]*string{"bucket": &s.Bucket, "prefix": &s.Prefix, "region": &s.Region, "endpoint": &s.Endpoint, "database": &s.Database}
	for i, line := range lines[1:] {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, _ := strings.Cut(line, " ")
		field := fields[name]
		if field == nil || *field != "" || value == "" {
			return nil, fmt.Errorf("line %d: %q: want bucket, prefix, region, endpoint or database, each once, and its value", i+2, line)
		}
		*field = value
	}
	return s, nil
}

func (s *Settings) checkBucket() error {
	for name, value := range map[string]string{"bucket": s.Bucket, "region": s.Region} {
		if value == "" {
			return fmt.Errorf("no %s line", name)
		}
	}
	if s.Prefix != strings.Trim(s.Prefix, "/") {
		return fmt.Errorf("prefix %q: want no slash at its ends", s.Prefix)
	}
	if u, err := url.Parse(s.Endpoint); s.Endpoint != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		return fmt.Errorf("endpoint %q: want an address that begins with https://", s.Endpoint)
	}
	return nil
}

func (s *Settings) checkDatabase() error {
	if s.Database == "" {
		return errors.New("no database line")
	}
	c, err := mysql.ParseDSN(s.Database)
	switch {
	case err != nil:
		return fmt.Errorf("database: %w: want USER@tcp(HOST:3306)/NAME", err)
	case c.DBName == "":
		return errors.New("database: no name of a database: want USER@tcp(HOST:3306)/NAME")
	case c.Passwd != "":
		return errors.New("database: holds a password: leave it out, and give it in STELE_DATABASE_PASSWORD_FILE")
	}
	return nil
}

// source is the database's data source name with its password.
func (s *Settings) source(getenv func(string) string) (string, error) {
	c, err := mysql.ParseDSN(s.Database)
	if err != nil {
		return "", err
	}
	c.Passwd = getenv("STELE_DATABASE_PASSWORD")
	if path := getenv("STELE_DATABASE_PASSWORD_FILE"); path != "" {
		b, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("the database's password: %w", err)
		}
		c.Passwd = strings.TrimRight(string(b), "\r\n")
	}
	c.CheckConnLiveness = true
	return c.FormatDSN(), nil
}

// prefix is what names in the bucket begin with.
func (s *Settings) prefix() string {
	if s.Prefix == "" {
		return ""
	}
	return s.Prefix + "/"
}
