/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "auth/auth.h"

#include "fileerror.h"

#include <json-glib/json-glib.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN_LENGTH 43 /* 258 bits */
#define TOKEN_LENGTH_MIN 32
#define FILE_SIZE_MAX 4096
#define DIGEST_SIZE 32
#define RETRY_S 1

typedef struct {
  gchar *id;
  gchar *account;
  WeirAccess access;
} Token;

struct _WeirAuth {
  gatomicrefcount references; /* the owner's, and one for each answer that is waited for */
  gchar *account;             /* home */
  guint8 digest[DIGEST_SIZE]; /* of the administrator's token */

  /* main thread */
  WeirStore *store; /* NULL until it is followed, and once the owner has let go */
  gulong changed;
  void (*ready) (gpointer data);
  gpointer ready_data;
  guint lists; /* still to come */

  GMutex lock;           /* what follows */
  GHashTable *accounts;  /* ids, but for home */
  GHashTable *tokens;    /* digest, hexadecimal → Token */
  GHashTable *token_ids; /* id → digest */
};

static void
token_free (Token *token)
{
  g_free (token->id);
  g_free (token->account);
  g_free (token);
}

static void
fill_random (guint8 *data, gsize size)
{
  while (size > 0) {
    gssize count = getrandom (data, size, 0);

    if (count < 0) {
      /* without randomness every secret would be known: there is no way on */
      if (errno != EINTR)
        g_error ("getrandom: %s", g_strerror (errno));
      continue;
    }
    data += count;
    size -= (gsize) count;
  }
}

gchar *
weir_random_hex (gsize bytes)
{
  g_autofree guint8 *random = g_malloc (bytes);
  gchar *text = g_malloc (bytes * 2 + 1);

  fill_random (random, bytes);
  for (gsize i = 0; i < bytes; i++) {
    text[2 * i] = "0123456789abcdef"[random[i] >> 4];
    text[2 * i + 1] = "0123456789abcdef"[random[i] & 15];
  }
  text[bytes * 2] = '\0';
  return text;
}

gchar *
weir_random_token (gsize length)
{
  static const gchar characters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  g_autofree guint8 *random = g_malloc (length);
  gchar *text = g_malloc (length + 1);

  fill_random (random, length);
  for (gsize i = 0; i < length; i++)
    text[i] = characters[random[i] & 63];
  text[length] = '\0';
  return text;
}

gchar *
weir_auth_make_token (void)
{
  return weir_random_token (TOKEN_LENGTH);
}

static void
compute_digest (const gchar *text, guint8 *digest)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize size = DIGEST_SIZE;

  g_checksum_update (checksum, (const guchar *) text, (gssize) strlen (text));
  g_checksum_get_digest (checksum, digest, &size);
}

static gboolean
equal_digests (const guint8 *a, const guint8 *b)
{
  guint8 difference = 0;

  for (gsize i = 0; i < DIGEST_SIZE; i++)
    difference |= a[i] ^ b[i];
  return difference == 0;
}

gboolean
weir_equal_constant_time (const gchar *a, const gchar *b)
{
  guint8 digest_a[DIGEST_SIZE];
  guint8 digest_b[DIGEST_SIZE];

  compute_digest (a, digest_a);
  compute_digest (b, digest_b);
  return equal_digests (digest_a, digest_b);
}

/* the whole of @content or nothing: it appears under its name once it is on the disk */
static gboolean
write_file (const gchar *path, const gchar *content, GError **error)
{
  return g_file_set_contents_full (
      path, content, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600, error);
}

/* @content: (out): its first line, without blanks around it */
static gboolean
read_line (gint fd, const gchar *path, gchar **content, GError **error)
{
  gchar data[FILE_SIZE_MAX + 1];
  gssize size = read (fd, data, FILE_SIZE_MAX);

  if (size < 0)
    return weir_set_file_error (error, errno, "Cannot read", path);
  data[size] = '\0';
  data[strcspn (data, "\r\n")] = '\0';
  *content = g_strdup (g_strstrip (data));
  return TRUE;
}

/*
 * Reads a file of one line, or makes it with @fresh when there is none.
 *
 * @secret: whether it must be nobody else's to read
 * @content: (out)
 */
static gboolean
load_line (const gchar *path, gboolean secret, const gchar *fresh, gchar **content, GError **error)
{
  gint fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status;
  gboolean good;

  if (fd < 0 && errno == ENOENT) {
    if (!write_file (path, fresh, error))
      return FALSE;
    *content = g_strdup (fresh);
    return TRUE;
  }
  if (fd < 0)
    return weir_set_file_error (error, errno, "Cannot open", path);
  good = fstat (fd, &status) == 0 || weir_set_file_error (error, errno, "Cannot read", path);
  if (good && secret && (status.st_mode & 077) != 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
        "%s can be read by others; its mode must be 0600", path);
    good = FALSE;
  }
  good = good && read_line (fd, path, content, error);
  close (fd);
  return good;
}

gboolean
weir_auth_is_account (const gchar *text)
{
  gsize size = strlen (text);

  for (gsize i = 0; i < size; i++) {
    if (!g_ascii_isalnum (text[i]) && text[i] != '_' && text[i] != '-')
      return FALSE;
  }
  return size >= 1 && size <= 64;
}

static gboolean
load_account (WeirAuth *self, const gchar *state_dir, const gchar *account, GError **error)
{
  g_autofree gchar *path = g_build_filename (state_dir, "account", NULL);
  g_autofree gchar *fresh = NULL;

  if (account != NULL && account[0] != '\0') {
    self->account = g_strdup (account);
    return TRUE;
  }
  fresh = weir_random_hex (16);
  if (!load_line (path, FALSE, fresh, &self->account, error))
    return FALSE;
  if (weir_auth_is_account (self->account))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s holds no account id", path);
  return FALSE;
}

static gboolean
load_token (WeirAuth *self, const gchar *path, GError **error)
{
  g_autofree gchar *fresh = weir_auth_make_token ();
  g_autofree gchar *token = NULL;

  if (!load_line (path, TRUE, fresh, &token, error))
    return FALSE;
  if (strlen (token) < TOKEN_LENGTH_MIN) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "%s holds no token of at least %d characters; without the file a new one is made", path,
        TOKEN_LENGTH_MIN);
    return FALSE;
  }
  compute_digest (token, self->digest);
  return TRUE;
}

WeirAuth *
weir_auth_load (
    const gchar *state_dir, const gchar *account, const gchar *token_file, GError **error)
{
  g_autoptr (WeirAuth) self = g_new0 (WeirAuth, 1);

  g_atomic_ref_count_init (&self->references);
  g_mutex_init (&self->lock);
  self->accounts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->tokens =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) token_free);
  self->token_ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (g_mkdir_with_parents (state_dir, 0700) != 0) {
    weir_set_file_error (error, errno, "Cannot make", state_dir);
    return NULL;
  }
  if (!load_account (self, state_dir, account, error) || !load_token (self, token_file, error))
    return NULL;
  return g_steal_pointer (&self);
}

static void
auth_unref (WeirAuth *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_hash_table_unref (self->accounts);
  g_hash_table_unref (self->tokens);
  g_hash_table_unref (self->token_ids);
  g_mutex_clear (&self->lock);
  g_free (self->account);
  g_free (self);
}

static WeirAuth *
auth_ref (WeirAuth *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
weir_auth_free (WeirAuth *self)
{
  if (self == NULL)
    return;
  if (self->store != NULL)
    g_signal_handler_disconnect (self->store, self->changed);
  g_clear_object (&self->store);
  auth_unref (self);
}

const gchar *
weir_auth_get_account (WeirAuth *self)
{
  return self->account;
}

gboolean
weir_auth_check_token (WeirAuth *self, const gchar *token)
{
  guint8 digest[DIGEST_SIZE];

  compute_digest (token, digest);
  return equal_digests (digest, self->digest);
}

/* Returns: (nullable): what is behind "Bearer " */
static const gchar *
get_bearer (const gchar *authorization)
{
  if (authorization == NULL || g_ascii_strncasecmp (authorization, "Bearer ", 7) != 0)
    return NULL;
  authorization += 7;
  while (*authorization == ' ')
    authorization++;
  return authorization;
}

/* under the lock */
static gboolean
has_account (WeirAuth *self, const gchar *account)
{
  return strcmp (account, self->account) == 0 || g_hash_table_contains (self->accounts, account);
}

gboolean
weir_auth_has_account (WeirAuth *self, const gchar *account)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return has_account (self, account);
}

WeirAccess
weir_auth_get_access (WeirAuth *self, const gchar *authorization, const gchar *account)
{
  const gchar *bearer = get_bearer (authorization);
  g_autofree gchar *digest = NULL;
  g_autoptr (GMutexLocker) locker = NULL;
  gboolean administrator;
  const Token *token;

  if (bearer == NULL)
    return WEIR_ACCESS_NONE;
  administrator = weir_auth_check_token (self, bearer);
  digest = administrator ? NULL : weir_store_digest_secret (bearer);
  locker = g_mutex_locker_new (&self->lock);
  if (account != NULL && !has_account (self, account))
    return WEIR_ACCESS_NONE;
  if (administrator)
    return WEIR_ACCESS_ADMINISTRATOR;
  token = g_hash_table_lookup (self->tokens, digest);
  if (token == NULL || !has_account (self, token->account) ||
      (account != NULL && strcmp (account, token->account) != 0))
    return WEIR_ACCESS_NONE;
  return token->access;
}

gchar *
weir_auth_get_token_id (WeirAuth *self, const gchar *authorization)
{
  const gchar *bearer = get_bearer (authorization);
  g_autofree gchar *digest = NULL;
  g_autoptr (GMutexLocker) locker = NULL;
  const Token *token;

  if (bearer == NULL)
    return NULL;
  if (weir_auth_check_token (self, bearer))
    return g_strdup ("administrator");
  digest = weir_store_digest_secret (bearer);
  locker = g_mutex_locker_new (&self->lock);
  token = g_hash_table_lookup (self->tokens, digest);
  return token != NULL ? g_strdup (token->id) : NULL;
}

/* ---- what the store has ---- */

static WeirAccess
read_access (const gchar *json)
{
  g_autoptr (JsonNode) root = json_from_string (json, NULL);
  const gchar *access = "";

  if (root != NULL && JSON_NODE_HOLDS_OBJECT (root))
    access = json_object_get_string_member_with_default (json_node_get_object (root), "access", "");
  if (strcmp (access, "write") == 0)
    return WEIR_ACCESS_WRITE;
  return strcmp (access, "read") == 0 ? WEIR_ACCESS_READ : WEIR_ACCESS_NONE;
}

/* under the lock */
static void
remove_token (WeirAuth *self, const gchar *id)
{
  const gchar *digest = g_hash_table_lookup (self->token_ids, id);

  if (digest != NULL)
    g_hash_table_remove (self->tokens, digest);
  g_hash_table_remove (self->token_ids, id);
}

void
weir_auth_add (WeirAuth *self, const WeirDocument *document)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Token *token;

  if (document->kind == WEIR_DOCUMENT_ACCOUNT)
    g_hash_table_add (self->accounts, g_strdup (document->id));
  if (document->kind != WEIR_DOCUMENT_TOKEN)
    return;
  remove_token (self, document->id);
  if (document->digest == NULL)
    return;
  token = g_new0 (Token, 1);
  token->id = g_strdup (document->id);
  token->account = g_strdup (document->account);
  token->access = read_access (document->json);
  g_hash_table_replace (self->tokens, g_strdup (document->digest), token);
  g_hash_table_replace (self->token_ids, g_strdup (document->id), g_strdup (document->digest));
}

void
weir_auth_remove (WeirAuth *self, WeirDocumentKind kind, const gchar *id)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (kind == WEIR_DOCUMENT_ACCOUNT)
    g_hash_table_remove (self->accounts, id);
  else if (kind == WEIR_DOCUMENT_TOKEN)
    remove_token (self, id);
}

/* one document that has changed, or with @id NULL all of a kind */
typedef struct {
  WeirAuth *auth;
  WeirDocumentKind kind;
  gchar *id;
} Question;

static void ask (WeirAuth *self, WeirDocumentKind kind, const gchar *id);

static void
question_free (Question *question)
{
  auth_unref (question->auth);
  g_free (question->id);
  g_free (question);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Question, question_free)

static gboolean
ask_again (gpointer data)
{
  g_autoptr (Question) question = data;

  if (question->auth->store != NULL)
    ask (question->auth, question->kind, question->id);
  return G_SOURCE_REMOVE;
}

/* Returns: TRUE when @question is to be asked again, and is then taken */
static gboolean
retry (Question *question, const GError *error)
{
  if (!g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE) ||
      question->auth->store == NULL)
    return FALSE;
  g_timeout_add_seconds (RETRY_S, ask_again, question);
  return TRUE;
}

static void
got (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Question) question = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirDocument) document =
      weir_store_get_document_finish (WEIR_STORE (source), result, &error);

  if (document != NULL)
    weir_auth_add (question->auth, document);
  else if (g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND))
    weir_auth_remove (question->auth, question->kind, question->id);
  else if (retry (question, error))
    g_steal_pointer (&question);
}

static void
count_list (WeirAuth *self)
{
  if (self->lists == 0 || --self->lists > 0 || self->ready == NULL)
    return;
  self->ready (self->ready_data);
}

static void
listed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Question) question = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) documents =
      weir_store_list_documents_finish (WEIR_STORE (source), result, &error);

  for (guint i = 0; documents != NULL && i < documents->len; i++)
    weir_auth_add (question->auth, documents->pdata[i]);
  if (question->auth->store != NULL)
    count_list (question->auth);
  if (documents != NULL)
    return;
  g_message ("accounts and tokens cannot be read: %s", error->message);
  if (retry (question, error))
    g_steal_pointer (&question);
}

static void
ask (WeirAuth *self, WeirDocumentKind kind, const gchar *id)
{
  Question *question = g_new0 (Question, 1);

  question->auth = auth_ref (self);
  question->kind = kind;
  question->id = g_strdup (id);
  if (id != NULL)
    weir_store_get_document (self->store, kind, id, got, question);
  else
    weir_store_list_documents (self->store, kind, NULL, NULL, listed, question);
}

static void
on_changed (G_GNUC_UNUSED WeirStore *store, WeirStoreChange change, const gchar *id, gpointer data)
{
  gchar *end;
  guint64 kind;

  if (change != WEIR_STORE_CHANGE_DOCUMENT)
    return;
  kind = g_ascii_strtoull (id, &end, 10);
  if (*end == '/' && (kind == WEIR_DOCUMENT_ACCOUNT || kind == WEIR_DOCUMENT_TOKEN))
    ask (data, (WeirDocumentKind) kind, end + 1);
}

void
weir_auth_follow (WeirAuth *self, WeirStore *store, void (*ready) (gpointer data), gpointer data)
{
  self->store = g_object_ref (store);
  self->ready = ready;
  self->ready_data = data;
  self->lists = 2;
  /* first the signal, then the lists: nothing is missed in between */
  self->changed = g_signal_connect (store, "changed", G_CALLBACK (on_changed), self);
  ask (self, WEIR_DOCUMENT_ACCOUNT, NULL);
  ask (self, WEIR_DOCUMENT_TOKEN, NULL);
}
