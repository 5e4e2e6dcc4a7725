/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/label.h"

#include <string.h>

/* longer tags than this need not be taken (RFC 5646, 4.4.1) */
#define LANGUAGE_SIZE_MAX 35
#define SUBTAG_SIZE_MAX 8

/* ISO 639-1 and 639-2/T, as "aaaar", each with a space behind it */
static const gchar two_letters[] =
    "aaaar ababk aeave afafr akaka amamh anarg arara asasm avava ayaym azaze babak bebel "
    "bgbul bhbih bibis bmbam bnben bobod brbre bsbos cacat ceche chcha cocos crcre csces "
    "cuchu cvchv cycym dadan dedeu dvdiv dzdzo eeewe elell eneng eoepo esspa etest eueus "
    "fafas ffful fifin fjfij fofao frfra fyfry gagle gdgla glglg gngrn guguj gvglv hahau "
    "heheb hihin hohmo hrhrv hthat huhun hyhye hzher iaina idind ieile igibo iiiii ikipk "
    "ioido isisl itita iuiku jajpn jvjav kakat kgkon kikik kjkua kkkaz klkal kmkhm knkan "
    "kokor krkau kskas kukur kvkom kwcor kykir lalat lbltz lglug lilim lnlin lolao ltlit "
    "lulub lvlav mgmlg mhmah mimri mkmkd mlmal mnmon mrmar msmsa mtmlt mymya nanau nbnob "
    "ndnde nenep ngndo nlnld nnnno nonor nrnbl nvnav nynya ococi ojoji omorm orori ososs "
    "papan pipli plpol pspus ptpor quque rmroh rnrun roron rurus rwkin sasan scsrd sdsnd "
    "sesme sgsag sisin skslk slslv smsmo snsna sosom sqsqi srsrp ssssw stsot susun svswe "
    "swswa tatam tetel tgtgk ththa titir tktuk tltgl tntsn toton trtur tstso tttat twtwi "
    "tytah uguig ukukr ururd uzuzb veven vivie vovol wawln wowol xhxho yiyid yoyor zazha "
    "zhzho zuzul ";

/* ISO 639-2/B where it differs, and 639-2/T */
static const gchar bibliographic[] =
    "albsqi armhye baqeus burmya chizho czeces dutnld frefra geokat gerdeu greell iceisl "
    "macmkd maomri maymsa perfas rumron sloslk tibbod welcym ";

/* Returns: (nullable): what follows @code in its entry of @table, whose keys have @key letters */
static const gchar *
look_up (const gchar *table, gsize key, const gchar *code)
{
  gsize entry = key + 3 + 1;

  for (; *table != '\0'; table += entry) {
    if (strncmp (table, code, key) == 0)
      return table + key;
  }
  return NULL;
}

/* Returns: (nullable): the two letters that mean the same as the three of @code */
static const gchar *
shorten (const gchar *code)
{
  const gchar *terminology = look_up (bibliographic, 3, code);

  if (terminology == NULL)
    terminology = code;
  for (const gchar *entry = two_letters; *entry != '\0'; entry += 6) {
    if (strncmp (entry + 2, terminology, 3) == 0)
      return entry;
  }
  return NULL;
}

static gboolean
is_subtag (const gchar *text, gboolean primary)
{
  gsize length = strlen (text);

  for (gsize i = 0; i < length; i++) {
    if (primary ? !g_ascii_isalpha (text[i]) : !g_ascii_isalnum (text[i]))
      return FALSE;
  }
  return length <= SUBTAG_SIZE_MAX && length >= (primary ? 2 : 1);
}

/* in the letters that RFC 5646, 2.1.1 recommends */
static void
append_subtag (GString *tag, const gchar *text)
{
  gsize length = strlen (text);
  g_autofree gchar *lower = g_ascii_strdown (text, -1);

  g_string_append_c (tag, '-');
  if (length == 2)
    for (const gchar *c = lower; *c != '\0'; c++)
      g_string_append_c (tag, g_ascii_toupper (*c));
  else if (length == 4 && g_ascii_isalpha (*lower))
    g_string_append_printf (tag, "%c%s", g_ascii_toupper (*lower), lower + 1);
  else
    g_string_append (tag, lower);
}

static gchar *
normalise_language (const gchar *text)
{
  g_auto (GStrv) subtags = NULL;
  g_autofree gchar *primary = NULL;
  GString *tag;
  const gchar *two = NULL;

  if (text == NULL || strlen (text) > LANGUAGE_SIZE_MAX)
    return NULL;
  /* locales have an underscore there */
  subtags = g_strsplit_set (text, "-_", -1);
  for (guint i = 0; subtags[i] != NULL; i++) {
    if (!is_subtag (subtags[i], i == 0))
      return NULL;
  }
  if (subtags[0] == NULL)
    return NULL;
  primary = g_ascii_strdown (subtags[0], -1);
  if (strcmp (primary, "und") == 0)
    return NULL;
  if (strlen (primary) == 3)
    two = shorten (primary);
  tag = two != NULL ? g_string_new_len (two, 2) : g_string_new (primary);
  for (guint i = 1; subtags[i] != NULL; i++)
    append_subtag (tag, subtags[i]);
  return g_string_free (tag, FALSE);
}

static gchar *
normalise_label (const gchar *text)
{
  g_autofree gchar *valid = NULL;
  g_autoptr (GString) result = g_string_new (NULL);

  if (text == NULL)
    return NULL;
  valid = g_utf8_make_valid (text, (gssize) strnlen (text, 4 * WEIR_TRACK_LABEL_SIZE_MAX));
  for (const gchar *c = valid; *c != '\0'; c = g_utf8_next_char (c)) {
    gunichar character = g_utf8_get_char (c);
    gsize length = (gsize) (g_utf8_next_char (c) - c);

    if (result->len + length > WEIR_TRACK_LABEL_SIZE_MAX)
      break;
    if (g_unichar_iscntrl (character))
      g_string_append_c (result, ' ');
    else
      g_string_append_len (result, c, (gssize) length);
  }
  g_strstrip (result->str);
  return *result->str != '\0' ? g_strdup (result->str) : NULL;
}

WeirTrackLabel *
weir_track_label_new (const gchar *label, const gchar *language)
{
  WeirTrackLabel self = {normalise_label (label), normalise_language (language)};

  if (self.label == NULL && self.language == NULL)
    return NULL;
  return g_memdup2 (&self, sizeof self);
}

WeirTrackLabel *
weir_track_label_copy (const WeirTrackLabel *self)
{
  WeirTrackLabel copy;

  if (self == NULL)
    return NULL;
  copy = (WeirTrackLabel){g_strdup (self->label), g_strdup (self->language)};
  return g_memdup2 (&copy, sizeof copy);
}

void
weir_track_label_free (WeirTrackLabel *self)
{
  if (self == NULL)
    return;
  g_free (self->label);
  g_free (self->language);
  g_free (self);
}

gboolean
weir_track_label_equal (const WeirTrackLabel *a, const WeirTrackLabel *b)
{
  if (a == NULL || b == NULL)
    return a == b;
  return g_strcmp0 (a->label, b->label) == 0 && g_strcmp0 (a->language, b->language) == 0;
}

guint16
weir_track_label_pack_language (const WeirTrackLabel *self)
{
  const gchar *code = "und";
  guint16 packed = 0;

  if (self != NULL && self->language != NULL) {
    gsize length = strcspn (self->language, "-");
    const gchar *found = length == 2 ? look_up (two_letters, 2, self->language) : NULL;

    if (found != NULL)
      code = found;
    else if (length == 3)
      code = self->language;
  }
  for (guint i = 0; i < 3; i++)
    packed = (guint16) (packed << 5 | (guint) (code[i] - 0x60));
  return packed;
}
