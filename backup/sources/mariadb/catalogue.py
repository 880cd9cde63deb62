"""What the server is asked about a database: its tables, how their rows become text, what its schema is made of."""
# ruff: noqa: S608 - every name and text goes through ``name`` or ``text``

from collections.abc import Sequence
from dataclasses import dataclass

OPENING = """
SET SESSION time_zone = '+00:00', sql_mode = '', max_statement_time = 0, wait_timeout = 86400,
  net_write_timeout = 86400, group_concat_max_len = 1073741824, div_precision_increment = 4;
SET SESSION idle_transaction_timeout = 0, idle_readonly_transaction_timeout = 0;
SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;
START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY;
"""
"""Fixed for every session, so that the same data always has the same text and nothing ends our transaction."""

SERVER = """
SELECT JSON_OBJECT('version', VERSION(), 'lower_case_table_names', @@lower_case_table_names,
  'innodb_page_size', @@innodb_page_size, 'character_set', @@character_set_server, 'collation', @@collation_server,
  'datadir', @@datadir);
"""

LONG = frozenset({"tinyblob", "blob", "mediumblob", "longblob", "tinytext", "text", "mediumtext", "longtext"})
GEOMETRIES = frozenset(
    {"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"}
    | {"geometrycollection"}
)
BYTES = frozenset({"binary", "varbinary", "bit"})
BARE = frozenset(
    {"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "year"}
    | {"date", "time", "datetime", "timestamp"}
)
MOMENTS = frozenset({"date", "datetime", "timestamp"})

SCHEMA = {
    "tables": """
SELECT TABLE_NAME, CONCAT_WS('|', TABLE_TYPE, ENGINE, TABLE_COLLATION, QUOTE(TABLE_COMMENT))
FROM information_schema.TABLES WHERE TABLE_SCHEMA = {database} AND TABLE_TYPE <> 'VIEW' ORDER BY 1""",
    "columns": """
SELECT TABLE_NAME, CONCAT_WS('|', COLUMN_NAME, COLUMN_TYPE, QUOTE(COLUMN_DEFAULT), IS_NULLABLE,
  QUOTE(CHARACTER_SET_NAME), QUOTE(COLLATION_NAME), EXTRA, QUOTE(COLUMN_COMMENT), QUOTE(GENERATION_EXPRESSION))
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {database} ORDER BY 1, ORDINAL_POSITION""",
    "indexes": """
SELECT TABLE_NAME, CONCAT_WS('|', INDEX_NAME, SEQ_IN_INDEX, NON_UNIQUE, COLUMN_NAME, QUOTE(SUB_PART), INDEX_TYPE)
FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = {database} ORDER BY 1, INDEX_NAME, SEQ_IN_INDEX""",
    "constraints": """
SELECT TABLE_NAME, text FROM (
  SELECT TABLE_NAME, CONCAT_WS('|', CONSTRAINT_NAME, CONSTRAINT_TYPE) AS text
  FROM information_schema.TABLE_CONSTRAINTS WHERE TABLE_SCHEMA = {database} UNION ALL
  SELECT TABLE_NAME, CONCAT_WS('|', CONSTRAINT_NAME, ORDINAL_POSITION, COLUMN_NAME, QUOTE(REFERENCED_TABLE_NAME),
    QUOTE(REFERENCED_COLUMN_NAME)) FROM information_schema.KEY_COLUMN_USAGE
  WHERE TABLE_SCHEMA = {database} UNION ALL
  SELECT TABLE_NAME, CONCAT_WS('|', CONSTRAINT_NAME, UPDATE_RULE, DELETE_RULE)
  FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = {database} UNION ALL
  SELECT TABLE_NAME, CONCAT_WS('|', CONSTRAINT_NAME, CHECK_CLAUSE)
  FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = {database}) AS found
ORDER BY 1, BINARY text""",
    "partitions": """
SELECT TABLE_NAME, CONCAT_WS('|', PARTITION_NAME, PARTITION_METHOD, PARTITION_EXPRESSION, PARTITION_DESCRIPTION)
FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = {database} AND PARTITION_NAME IS NOT NULL
ORDER BY 1, PARTITION_ORDINAL_POSITION""",
    "views": """
SELECT TABLE_NAME, CONCAT_WS('|', VIEW_DEFINITION, CHECK_OPTION, DEFINER, SECURITY_TYPE)
FROM information_schema.VIEWS WHERE TABLE_SCHEMA = {database} ORDER BY 1""",
    "routines": """
SELECT CONCAT(ROUTINE_TYPE, ' ', ROUTINE_NAME), CONCAT_WS('|', QUOTE(DTD_IDENTIFIER), ROUTINE_DEFINITION, DEFINER,
  SECURITY_TYPE, SQL_MODE, (SELECT GROUP_CONCAT(CONCAT_WS(' ', PARAMETER_MODE, PARAMETER_NAME, DTD_IDENTIFIER)
    ORDER BY ORDINAL_POSITION) FROM information_schema.PARAMETERS p
    WHERE p.SPECIFIC_SCHEMA = r.ROUTINE_SCHEMA AND p.SPECIFIC_NAME = r.SPECIFIC_NAME))
FROM information_schema.ROUTINES r WHERE ROUTINE_SCHEMA = {database} ORDER BY 1""",
    "triggers": """
SELECT TRIGGER_NAME, CONCAT_WS('|', EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_STATEMENT,
  DEFINER, SQL_MODE) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = {database} ORDER BY 1""",
    "events": """
SELECT EVENT_NAME, CONCAT_WS('|', EVENT_DEFINITION, DEFINER, EVENT_TYPE, QUOTE(EXECUTE_AT), QUOTE(INTERVAL_VALUE),
  QUOTE(INTERVAL_FIELD), QUOTE(STARTS), QUOTE(ENDS), ON_COMPLETION, SQL_MODE)
FROM information_schema.EVENTS WHERE EVENT_SCHEMA = {database} ORDER BY 1""",
}
"""For each kind of object a query of (object, text); an object's rows together are what is hashed."""

USERS = (
    "SELECT CONCAT(User, '@', Host) FROM mysql.user UNION SELECT User FROM mysql.user WHERE is_role = 'Y' ORDER BY 1;"
)


@dataclass(frozen=True)
class Table:
    """One table that holds rows: its columns with their types, its primary key's columns, about its size."""

    name: str
    engine: str
    size_bytes: int
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]


def text(value: str) -> str:
    """Return ``value`` as an SQL string."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def name(value: str) -> str:
    """Return ``value`` as an SQL identifier."""
    return "`" + value.replace("`", "``") + "`"


def tables(database: str) -> tuple[str, str, str]:
    """Return the queries of all tables that hold rows (name, engine, bytes), their columns and their keys' columns.

    Three flat ones: joined, the server would open each table once for each table.
    """
    here = text(database)
    return (
        f"""
SELECT TABLE_NAME, ENGINE, IFNULL(DATA_LENGTH, 0) + IFNULL(INDEX_LENGTH, 0) FROM information_schema.TABLES
WHERE TABLE_SCHEMA = {here} AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY BINARY TABLE_NAME;""",
        f"""
SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = {here} ORDER BY TABLE_NAME, ORDINAL_POSITION;""",
        f"""
SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = {here} AND INDEX_NAME = 'PRIMARY' ORDER BY TABLE_NAME, SEQ_IN_INDEX;""",
    )


def rows(database: str, table: Table) -> str:
    """Return the query whose output is the table's stable text: by its primary key, else by each row's hash.

    Long values stand as their SHA-256: as text they could be longer than the server sends, which it would
    answer with NULL.  Without a key rows are hashed, as MariaDB sorts only by the first 1024 bytes of a value.
    """
    columns = [_column(*column) for column in table.columns]
    where = f"{name(database)}.{name(table.name)}"
    if table.key:
        return f"SELECT {', '.join(columns)} FROM {where} ORDER BY {', '.join(map(name, table.key))}"
    parts = ", ".join(f"IFNULL({column}, 'NULL')" for column in columns)
    return f"SELECT SHA2(CONCAT_WS('|', {parts}), 256) AS xinglin_row FROM {where} ORDER BY xinglin_row"


def _column(column: str, data_type: str) -> str:
    if data_type in LONG | GEOMETRIES:
        return f"SHA2({name(column)}, 256)"
    if data_type in BYTES:
        return f"HEX({name(column)})"
    return name(column) if data_type in BARE else f"QUOTE({name(column)})"


def renamed(query: str, database: str, original: str) -> str:
    """Return a query of ``SCHEMA`` that gives views' texts as if the database were called ``original``."""
    here, there = text(f"{name(database)}."), text(f"{name(original)}.")
    return query.replace("VIEW_DEFINITION", f"REPLACE(VIEW_DEFINITION, {here}, {there})")


def rows_elsewhere(query: str, table: str, original: str, database: str) -> str:
    """Return a query of ``rows`` for the same table of another database."""
    old, new = (f" FROM {name(each)}.{name(table)} ORDER BY " for each in (original, database))
    return query.replace(old, new, 1)


def newest(database: str, table: Table) -> str | None:
    """Return the query for one JSON object with each time column's newest value; None without such a column."""
    moments = [column for column, data_type in table.columns if data_type in MOMENTS]
    if not moments:
        return None
    pairs = ", ".join(f"{text(column)}, CAST(MAX({name(column)}) AS CHAR)" for column in moments)
    return f"SELECT JSON_OBJECT({pairs}) FROM {name(database)}.{name(table.name)}"


def touch(database: str, found: Sequence[Table]) -> str:
    """Return the script that takes a metadata lock on each table, so that none can be altered until we are done."""
    return "".join(f"DO (SELECT COUNT(*) FROM {name(database)}.{name(table.name)} WHERE 0);\n" for table in found)
