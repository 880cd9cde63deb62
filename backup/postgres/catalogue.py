"""What is asked of PostgreSQL's catalogue about a database: everything but its rows.

All of it is read from tables by the session's snapshot, or from functions whose answer the locks of
``exported_snapshot`` keep from changing.  What belongs to an extension comes with the extension and is left out.
"""

import hashlib
import re
from collections.abc import Mapping

from backup.printable import encoded

OWN = r"""
WITH own AS (
  SELECT c.oid, c.relname, c.relkind, c.relowner, c.relacl, c.relispopulated, n.nspname,
    format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    -- pg_dump leaves out what a failed CREATE INDEX CONCURRENTLY left.
    AND (i.indexrelid IS NULL OR i.indisready AND (i.indisvalid OR c.relkind = 'I'))
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), routines AS (
  SELECT p.*, format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS name
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
), checks AS (
  -- Those of kind 'n' (NOT NULL, since PostgreSQL 18) are among the columns' properties.
  SELECT k.*, own.name AS table_name FROM pg_catalog.pg_constraint k JOIN own ON own.oid = k.conrelid
  WHERE k.contype <> 'n'
)
"""

CATALOGUE = rf"""
{OWN}, tables AS (
  SELECT name,
    (SELECT string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
     WHERE a.attrelid = own.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
    (SELECT string_agg(format('%I', a.attname) || CASE WHEN a.attcollation <> 0 THEN ' COLLATE "C"' ELSE '' END,
                       ', ' ORDER BY k.position)
     FROM pg_catalog.pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, position),
          pg_catalog.pg_attribute a
     WHERE i.indrelid = own.oid AND i.indisprimary AND a.attrelid = own.oid AND a.attnum = k.attnum) AS key,
    (SELECT string_agg(format('%L, max(%I)::text', a.attname, a.attname), ', ' ORDER BY a.attnum)
     FROM pg_catalog.pg_attribute a WHERE a.attrelid = own.oid AND a.attnum > 0 AND NOT a.attisdropped
       AND a.atttypid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)) AS newest
  FROM own WHERE relkind = 'r'
), questions AS (
  SELECT name, format('SELECT %s FROM ONLY %s AS xinglin_row ORDER BY %s', columns, name,
                      coalesce(key, 'xinglin_row::text COLLATE "C"')) AS query,
    'SELECT json_build_object(' || newest || ') FROM ONLY ' || name AS newest FROM tables
  UNION ALL SELECT 'pg_catalog.pg_largeobject',
    -- A page of zeros may be a hole in the original.
    'SELECT loid, pageno, data FROM pg_catalog.pg_largeobject WHERE btrim(data, ''\x00'') <> '''' ORDER BY 1, 2', NULL
  WHERE EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)
), sequences AS (
  SELECT name, pg_catalog.pg_sequence_last_value(own.oid) AS last_value,
    (SELECT format('SELECT coalesce(max(%I), 0)::bigint FROM ONLY %s', a.attname, d.refobjid::regclass)
     FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attribute a
       -- A number like V0001 is text: a column that is no integer has no highest number.
       ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
         AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
     WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = own.oid AND d.deptype IN ('a', 'i')
       AND d.refobjsubid > 0 LIMIT 1) AS highest
  FROM own WHERE relkind = 'S'
)
SELECT json_build_object(
  'as_of', to_char(now(), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  'server_version', current_setting('server_version'),
  'system_identifier', (SELECT system_identifier::text FROM pg_catalog.pg_control_system()),
  'encoding', (SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()),
  'collation', (SELECT datcollate FROM pg_database WHERE datname = current_database()),
  'size_bytes', pg_database_size(current_database()),
  'wal_position', (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END)::text,
  'extensions', coalesce((SELECT json_object_agg(extname, extversion ORDER BY extname) FROM pg_extension), '{{}}'),
  'roles', (SELECT json_agg(rolname ORDER BY rolname) FROM pg_roles WHERE rolname !~ '^pg_'),
  'schema', json_build_object(
    'tables', (SELECT count(*) FROM own WHERE relkind IN ('r', 'p')),
    'indexes', (SELECT count(*) FROM own WHERE relkind IN ('i', 'I')),
    'views', (SELECT count(*) FROM own WHERE relkind IN ('v', 'm')),
    'materialized_views_populated', (SELECT count(*) FROM own WHERE relkind = 'm' AND relispopulated),
    'sequences', (SELECT count(*) FROM own WHERE relkind = 'S'),
    'columns', (SELECT count(*) FROM own JOIN pg_attribute a ON a.attrelid = own.oid
                WHERE relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped),
    'constraints', (SELECT count(*) FROM checks),
    'constraints_validated', (SELECT count(*) FROM checks WHERE convalidated),
    'foreign_keys', (SELECT count(*) FROM checks WHERE contype = 'f'),
    'foreign_keys_validated', (SELECT count(*) FROM checks WHERE contype = 'f' AND convalidated),
    'large_objects', (SELECT count(*) FROM pg_largeobject_metadata),
    'triggers', (SELECT count(*) FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM own) AND NOT tgisinternal),
    'functions', (SELECT count(*) FROM routines)),
  'tables', coalesce((SELECT json_agg(json_build_object('name', name, 'query', query, 'newest', newest)
                                      ORDER BY name) FROM questions), '[]'),
  'sequences', coalesce((SELECT json_agg(json_build_object('name', name, 'last_value', last_value,
      'highest', highest) ORDER BY name) FROM sequences), '[]'));
"""  # noqa: S608

DEFINITIONS = rf"""
{OWN}, texts(kind, name, definition) AS (
  SELECT 'columns', own.name, string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
      CASE WHEN a.attnotnull THEN 'NOT NULL' END, a.attidentity, a.attgenerated,
      (SELECT collname FROM pg_collation WHERE oid = a.attcollation), pg_get_expr(d.adbin, d.adrelid)),
      E'\n' ORDER BY a.attname)
  FROM own LEFT JOIN pg_attribute a ON a.attrelid = own.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE own.relkind IN ('r', 'p', 'v', 'm', 'f') GROUP BY own.name
  UNION ALL SELECT 'indexes', name, pg_get_indexdef(oid) FROM own WHERE relkind IN ('i', 'I')
  -- Copies of a constraint or trigger on partitions are made, and named, when a partition is attached.
  UNION ALL SELECT 'constraints', format('%s %I', table_name, conname),
    concat_ws(' ', pg_get_constraintdef(oid), CASE WHEN NOT convalidated THEN 'not validated' END)
  FROM checks WHERE conparentid = 0
  UNION ALL SELECT 'triggers', format('%s %I', own.name, tgname), concat_ws(' ', tgenabled, pg_get_triggerdef(t.oid))
  FROM pg_trigger t JOIN own ON own.oid = t.tgrelid WHERE NOT tgisinternal AND tgparentid = 0
  UNION ALL SELECT 'functions', name, concat_ws(' ', prokind, prosecdef, proleakproof, proisstrict, proretset,
    provolatile, proparallel, procost, prorows, (SELECT lanname FROM pg_language l WHERE l.oid = prolang),
    format_type(prorettype, NULL), pg_get_function_arguments(oid), proconfig::text, probin::text,
    -- By its bytes: the body must not be taken for an expression.
    encode(sha256(convert_to(prosrc, 'UTF8')), 'hex'))
  FROM routines
  UNION ALL SELECT 'privileges', name, concat_ws(' ', pg_get_userbyid(relowner), (
    SELECT string_agg(DISTINCT concat_ws(':', CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee) END,
      g.privilege_type, g.is_grantable), ' ')
    FROM aclexplode(coalesce(relacl, acldefault((CASE relkind WHEN 'S' THEN 's' ELSE 'r' END)::"char", relowner))) g))
  FROM own WHERE relkind IN ('r', 'p', 'v', 'm', 'S')
), kinds AS (
  SELECT kind, json_object_agg(name, definition) AS found FROM texts GROUP BY kind
)
SELECT coalesce(json_object_agg(kind, found), '{{}}') FROM kinds;
"""  # noqa: S608

_IDENTIFIER = r'(?:"(?:[^"]|"")*"|\w+)'
_CAST = re.compile(
    r"::(?:character varying|bit varying|double precision|(?:timestamp|time)(?:\(\d\))? with(?:out)? time zone"
    rf"|{_IDENTIFIER}(?:\.{_IDENTIFIER})?)(?:\(\d+(?:,\s*-?\d+)?\))?(?:\[\])*"
)


def normalise(definition: str) -> str:
    """Return a definition without casts, parentheses and spacing.

    PostgreSQL prints an expression anew from what it understood, and prints it otherwise once that text was read
    again: ``CHECK (state IN ('a', 'b'))`` on a varchar has its casts elsewhere after each of the first two restores.
    """
    bare = re.sub(r"[()\s]+", " ", _CAST.sub("", definition)).strip()
    return re.sub(r" ?([,\[\]]) ?", r"\1", bare)


def digests(definitions: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Return, for each kind and object, the first 16 hex digits of the normalised definition's SHA-256."""
    return {
        kind: {name: hashlib.sha256(encoded(normalise(found[name] or ""))).hexdigest()[:16] for name in sorted(found)}
        for kind, found in sorted(definitions.items())
    }
