/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/jsonguard.h"

#include <string.h>

#define INTEGER_DIGITS_MAX 18
#define NUMBER_SIZE_MAX 64

typedef struct {
  gboolean object;
  GHashTable *keys; /* of an object: those seen */
} Level;

typedef struct {
  const gchar *text;
  gsize size;
  gsize at;
  Level levels[WEIR_JSON_DEPTH_MAX];
  guint depth;
  guint depth_max;
  GError **error;
} Scan;

static gboolean
fail_with (Scan *self, gint code, const gchar *what)
{
  if (self->error != NULL && *self->error == NULL)
    g_set_error (self->error, G_IO_ERROR, code, "%s at byte %" G_GSIZE_FORMAT, what, self->at);
  return FALSE;
}

static gboolean
fail (Scan *self, const gchar *what)
{
  return fail_with (self, G_IO_ERROR_INVALID_DATA, what);
}

/* Returns: the byte here, '\0' at the end (which no valid text holds) */
static gchar
peek (const Scan *self)
{
  return self->at < self->size ? self->text[self->at] : '\0';
}

static void
skip_blanks (Scan *self)
{
  while (self->at < self->size && memchr (" \t\r\n", self->text[self->at], 4) != NULL)
    self->at++;
}

static gboolean
scan_code_unit (Scan *self, guint *unit)
{
  guint value = 0;

  if (self->size - self->at < 4)
    return fail (self, "Incomplete escape");
  for (guint i = 0; i < 4; i++) {
    gint digit = g_ascii_xdigit_value (self->text[self->at + i]);

    if (digit < 0)
      return fail (self, "Bad escape");
    value = value << 4 | digit;
  }
  self->at += 4;
  *unit = value;
  return TRUE;
}

static gboolean
scan_unicode_escape (Scan *self, GString *decoded)
{
  guint unit, second;

  if (!scan_code_unit (self, &unit))
    return FALSE;
  if (unit == 0)
    return fail (self, "NUL in a string");
  if (unit >= 0xd800 && unit <= 0xdfff) {
    if (unit >= 0xdc00 || self->size - self->at < 6 || self->text[self->at] != '\\' ||
        self->text[self->at + 1] != 'u')
      return fail (self, "Lone surrogate");
    self->at += 2;
    if (!scan_code_unit (self, &second))
      return FALSE;
    if (second < 0xdc00 || second > 0xdfff)
      return fail (self, "Lone surrogate");
    unit = 0x10000 + ((unit - 0xd800) << 10) + (second - 0xdc00);
  }
  g_string_append_unichar (decoded, unit);
  return TRUE;
}

/* Returns: (nullable): the decoded string */
static GString *
scan_string (Scan *self)
{
  static const gchar escapes[] = "\"\\/bfnrt";
  static const gchar meanings[] = "\"\\/\b\f\n\r\t";
  g_autoptr (GString) decoded = g_string_new (NULL);

  if (peek (self) != '"') {
    fail (self, "String expected");
    return NULL;
  }
  self->at++;
  while (self->at < self->size) {
    guchar c = self->text[self->at++];
    const gchar *escape;

    if (c == '"')
      return g_steal_pointer (&decoded);
    if (c < 0x20) {
      fail (self, "Control character in a string");
      return NULL;
    }
    if (c != '\\') {
      g_string_append_c (decoded, c);
      continue;
    }
    c = peek (self);
    self->at++;
    if (c == 'u') {
      if (!scan_unicode_escape (self, decoded))
        return NULL;
      continue;
    }
    escape = c != '\0' ? strchr (escapes, c) : NULL;
    if (escape == NULL) {
      fail (self, "Bad escape");
      return NULL;
    }
    g_string_append_c (decoded, meanings[escape - escapes]);
  }
  fail (self, "Unterminated string");
  return NULL;
}

static gsize
skip_digits (Scan *self)
{
  gsize start = self->at;

  while (g_ascii_isdigit (peek (self)))
    self->at++;
  return self->at - start;
}

static gboolean
scan_number (Scan *self)
{
  gsize start = self->at;
  gboolean leading_zero;
  gsize digits;

  if (peek (self) == '-')
    self->at++;
  leading_zero = peek (self) == '0';
  digits = skip_digits (self);
  if (digits == 0 || (leading_zero && digits > 1))
    return fail (self, "Bad number");
  if (peek (self) != '.' && peek (self) != 'e' && peek (self) != 'E')
    return digits <= INTEGER_DIGITS_MAX || fail (self, "Number too large");
  if (peek (self) == '.') {
    self->at++;
    if (skip_digits (self) == 0)
      return fail (self, "Bad number");
  }
  if (peek (self) == 'e' || peek (self) == 'E') {
    self->at++;
    if (peek (self) == '+' || peek (self) == '-')
      self->at++;
    digits = skip_digits (self);
    if (digits == 0)
      return fail (self, "Bad number");
    if (digits > 2)
      return fail (self, "Number too large");
  }
  return self->at - start <= NUMBER_SIZE_MAX || fail (self, "Number too long");
}

static gboolean
scan_word (Scan *self, const gchar *word)
{
  gsize size = strlen (word);

  if (self->size - self->at < size || memcmp (self->text + self->at, word, size) != 0)
    return fail (self, "Value expected");
  self->at += size;
  return TRUE;
}

static gboolean
open_level (Scan *self, gboolean object)
{
  if (self->depth >= self->depth_max)
    return fail_with (self, G_IO_ERROR_NO_SPACE, "Nested too deep");
  self->at++;
  self->levels[self->depth].object = object;
  self->levels[self->depth].keys =
      object ? g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL) : NULL;
  self->depth++;
  return TRUE;
}

static void
close_level (Scan *self)
{
  self->depth--;
  g_clear_pointer (&self->levels[self->depth].keys, g_hash_table_unref);
}

static gboolean
scan_key (Scan *self)
{
  GString *key;

  skip_blanks (self);
  key = scan_string (self);
  if (key == NULL)
    return FALSE;
  if (!g_hash_table_add (self->levels[self->depth - 1].keys, g_string_free (key, FALSE)))
    return fail (self, "Key given twice");
  skip_blanks (self);
  if (peek (self) != ':')
    return fail (self, "Colon expected");
  self->at++;
  return TRUE;
}

static gboolean
scan_scalar (Scan *self)
{
  GString *string;

  switch (peek (self)) {
  case '"':
    string = scan_string (self);
    if (string == NULL)
      return FALSE;
    g_string_free (string, TRUE);
    return TRUE;
  case 't':
    return scan_word (self, "true");
  case 'f':
    return scan_word (self, "false");
  case 'n':
    return scan_word (self, "null");
  default:
    return scan_number (self);
  }
}

/* after a value: commas and closing brackets. @again: another value follows */
static gboolean
scan_ends (Scan *self, gboolean *again)
{
  *again = FALSE;
  while (self->depth > 0) {
    gboolean object = self->levels[self->depth - 1].object;
    gchar c;

    skip_blanks (self);
    c = peek (self);
    if (c == ',') {
      self->at++;
      *again = TRUE;
      return !object || scan_key (self);
    }
    if (c != (object ? '}' : ']'))
      return fail (self, "Comma or closing bracket expected");
    self->at++;
    close_level (self);
  }
  return TRUE;
}

static gboolean
scan_value (Scan *self, gboolean *again)
{
  gchar c;

  skip_blanks (self);
  c = peek (self);
  if (c != '{' && c != '[')
    return scan_scalar (self) && scan_ends (self, again);

  if (!open_level (self, c == '{'))
    return FALSE;
  skip_blanks (self);
  if (peek (self) == (c == '{' ? '}' : ']')) {
    self->at++;
    close_level (self);
    return scan_ends (self, again);
  }
  *again = TRUE;
  return c == '[' || scan_key (self);
}

gboolean
weir_json_check (const gchar *text, gsize size, guint depth_max, GError **error)
{
  Scan scan = {.text = text,
      .size = size,
      .depth_max = MIN (depth_max, WEIR_JSON_DEPTH_MAX),
      .error = error};
  gboolean valid = TRUE, again = TRUE;
  const gchar *end;

  if (!g_utf8_validate_len (text, size, &end)) {
    scan.at = end - text;
    return fail (&scan, "Invalid UTF-8");
  }
  while (valid && again)
    valid = scan_value (&scan, &again);
  while (scan.depth > 0)
    close_level (&scan);
  if (!valid)
    return FALSE;
  skip_blanks (&scan);
  if (scan.at < size)
    return fail (&scan, "Something after the value");
  return TRUE;
}

JsonNode *
weir_json_parse (GBytes *text, guint depth_max, GError **error)
{
  gsize size;
  const gchar *data = g_bytes_get_data (text, &size);
  g_autoptr (JsonParser) parser = NULL;

  if (!weir_json_check (data ? data : "", size, depth_max, error))
    return NULL;
  parser = json_parser_new_immutable ();
  if (!json_parser_load_from_data (parser, data, size, error))
    return NULL;
  return json_parser_steal_root (parser);
}
