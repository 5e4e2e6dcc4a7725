/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/client.h"

#include "config.h"

#include <libsoup/soup.h>
#include <string.h>

#define TIMEOUT_S 30
#define LONG_TIMEOUT_S 3600
#define API "/client/v4"
#define REFUSAL_MAX (64 * 1024)
#define PAGE_MAX (16 * 1024 * 1024)

struct _WeirClient {
  SoupSession *session;
  gchar *url;
  gchar *token;
  gchar *account;
  GCancellable *cancellable; /* (nullable) */
};

gchar *
weir_client_find_listener (const gchar *ready, const gchar *name)
{
  g_autofree gchar *key = g_strdup_printf ("%s=", name);
  g_auto (GStrv) words = g_strsplit_set (ready, " \n", -1);

  for (guint i = 0; words[i] != NULL; i++) {
    const gchar *address, *colon;
    g_autofree gchar *first = NULL;

    if (!g_str_has_prefix (words[i], key))
      continue;
    address = words[i] + strlen (key);
    first = g_strndup (address, strcspn (address, ";,"));
    colon = strrchr (first, ':');
    if (colon == NULL)
      return NULL;
    if (g_str_has_prefix (first, "[::]:") || g_str_has_prefix (first, "0.0.0.0:"))
      return g_strdup_printf ("127.0.0.1%s", colon);
    return g_steal_pointer (&first);
  }
  return NULL;
}

/* @authorities: (nullable): file of those who may have signed the server's certificate, else the
 * system's. Returns: NULL with an error */
static SoupSession *
make_session (const gchar *authorities, GError **error)
{
  g_autoptr (SoupSession) session =
      soup_session_new_with_options ("timeout", TIMEOUT_S, "user-agent", "weir", NULL);
  g_autofree gchar *path = NULL;
  g_autoptr (GTlsDatabase) database = NULL;

  if (authorities == NULL || *authorities == '\0')
    return g_steal_pointer (&session);
  path = g_canonicalize_filename (authorities, NULL);
  database = g_tls_file_database_new (path, error);
  if (database == NULL) {
    g_prefix_error (error, "WEIR_CA_FILE: ");
    return NULL;
  }
  soup_session_set_tls_database (session, database);
  return g_steal_pointer (&session);
}

static gboolean
is_certificate_refused (const GError *error)
{
  return g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE);
}

/* Returns: (nullable): where the daemon that said @ready answers */
static gchar *
find_url (const WeirConfig *config, const gchar *ready)
{
  static const gchar *const names[] = {"admin", "http"};
  g_autofree gchar *secure = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *address = weir_client_find_listener (ready, names[i]);

    if (address != NULL)
      return g_strdup_printf ("http://%s", address);
  }
  secure = weir_client_find_listener (ready, "https");
  if (secure == NULL)
    return NULL;
  /* its certificate is for a name */
  if (config->server.public_host[0] != '\0')
    return g_strdup_printf ("https://%s%s", config->server.public_host, strrchr (secure, ':'));
  return g_strdup_printf ("https://%s", secure);
}

/* what is not given yet, from the local daemon's state */
static void
take_local (WeirClient *self, const gchar *config_file)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirConfig) config = weir_config_load (config_file, NULL, &error);
  g_autofree gchar *ready_file = NULL, *account_file = NULL, *ready = NULL;

  if (config == NULL) {
    g_printerr ("weir: %s\n", error->message);
    return;
  }
  ready_file = g_build_filename (config->server.state_dir, "ready", NULL);
  account_file = g_build_filename (config->server.state_dir, "account", NULL);
  if (self->url == NULL && g_file_get_contents (ready_file, &ready, NULL, NULL))
    self->url = find_url (config, ready);
  if (self->token == NULL && g_file_get_contents (config->api.token_file, &self->token, NULL, NULL))
    g_strstrip (self->token);
  if (self->account == NULL && config->api.account != NULL && *config->api.account != '\0')
    self->account = g_strdup (config->api.account);
  if (self->account == NULL && g_file_get_contents (account_file, &self->account, NULL, NULL))
    g_strstrip (self->account);
}

static gchar *
choose (const gchar *option, const gchar *variable)
{
  const gchar *value = option ? option : g_getenv (variable);

  return value != NULL && *value != '\0' ? g_strdup (value) : NULL;
}

WeirClient *
weir_client_new (const gchar *url, const gchar *token, const gchar *account, const gchar *config)
{
  g_autoptr (WeirClient) self = g_new0 (WeirClient, 1);
  g_autoptr (GError) error = NULL;
  gsize size;

  self->url = choose (url, "WEIR_URL");
  self->token = choose (token, "WEIR_TOKEN");
  self->account = choose (account, "WEIR_ACCOUNT");
  if (self->url == NULL || self->token == NULL || self->account == NULL)
    take_local (self, config);

  if (self->url == NULL)
    g_printerr ("weir: no daemon found: is `weir serve` running? Else give --url or WEIR_URL\n");
  else if (self->token == NULL)
    g_printerr ("weir: the API token cannot be read: give --token or WEIR_TOKEN, or be the user "
                "that runs the daemon\n");
  else if (self->account == NULL)
    g_printerr ("weir: the account is not known: give --account or WEIR_ACCOUNT\n");
  if (self->url == NULL || self->token == NULL || self->account == NULL)
    return NULL;

  size = strlen (self->url);
  while (size > 0 && self->url[size - 1] == '/')
    self->url[--size] = '\0';
  self->session = make_session (g_getenv ("WEIR_CA_FILE"), &error);
  if (self->session == NULL) {
    g_printerr ("weir: %s\n", error->message);
    return NULL;
  }
  return g_steal_pointer (&self);
}

void
weir_client_free (WeirClient *self)
{
  g_clear_object (&self->session);
  g_clear_object (&self->cancellable);
  g_free (self->url);
  g_free (self->token);
  g_free (self->account);
  g_free (self);
}

const gchar *
weir_client_get_url (WeirClient *self)
{
  return self->url;
}

const gchar *
weir_client_get_account (WeirClient *self)
{
  return self->account;
}

void
weir_client_take_time (WeirClient *self)
{
  soup_session_set_timeout (self->session, LONG_TIMEOUT_S);
}

void
weir_client_set_cancellable (WeirClient *self, GCancellable *cancellable)
{
  g_set_object (&self->cancellable, cancellable);
}

void
weir_answer_clear (WeirAnswer *self)
{
  g_clear_pointer (&self->text, g_free);
  g_clear_pointer (&self->result, json_node_unref);
  g_clear_pointer (&self->envelope, json_node_unref);
}

static void
add_error (GString *text, JsonObject *error)
{
  JsonNode *node = json_object_get_member (error, "source");
  JsonObject *source =
      node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const gchar *pointer =
      source ? json_object_get_string_member_with_default (source, "pointer", "") : "";

  g_string_append_printf (text, "%s%s%s%s (code %" G_GINT64_FORMAT ")", text->len > 0 ? "\n" : "",
      pointer, *pointer != '\0' ? " " : "",
      json_object_get_string_member_with_default (error, "message", "refused"),
      json_object_get_int_member_with_default (error, "code", 0));
}

/* @envelope: (nullable). Returns: the API's own words about a refusal */
static gchar *
describe_refusal (JsonNode *envelope, guint status)
{
  g_autoptr (GString) text = g_string_new (NULL);
  JsonNode *errors = envelope != NULL && JSON_NODE_HOLDS_OBJECT (envelope)
                         ? json_object_get_member (json_node_get_object (envelope), "errors")
                         : NULL;
  JsonArray *array =
      errors != NULL && JSON_NODE_HOLDS_ARRAY (errors) ? json_node_get_array (errors) : NULL;

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++) {
    JsonNode *element = json_array_get_element (array, i);

    if (JSON_NODE_HOLDS_OBJECT (element))
      add_error (text, json_node_get_object (element));
  }
  if (text->len == 0)
    g_string_append_printf (text, "the server answered %u", status);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static gchar *
describe_failure (WeirClient *self, const GError *error)
{
  return g_strdup_printf ("%s: %s%s", self->url, error->message,
      is_certificate_refused (error)
          ? "\nis the certificate for this name, and signed by who is trusted? WEIR_CA_FILE names "
            "a file of others to trust"
          : "");
}

static WeirExit
get_exit (guint status)
{
  return status >= 400 && status < 500 ? WEIR_EXIT_REFUSED : WEIR_EXIT_FAILED;
}

/* @path: from the root. Returns: (nullable): NULL with @problem */
static SoupMessage *
make_message (
    WeirClient *self, const gchar *method, const gchar *path, gboolean with_token, gchar **problem)
{
  g_autofree gchar *url = g_strconcat (self->url, path, NULL);
  g_autofree gchar *authorization = g_strdup_printf ("Bearer %s", self->token);
  SoupMessage *message = soup_message_new (method, url);

  if (message == NULL)
    *problem = g_strdup_printf ("%s is not a URL", self->url);
  else if (with_token)
    soup_message_headers_append (
        soup_message_get_request_headers (message), "Authorization", authorization);
  return message;
}

/* @text: takes all of it. Returns: (nullable): what it is as JSON */
static JsonNode *
parse_answer (GBytes *bytes, gchar **text)
{
  gsize size;
  const gchar *data = g_bytes_get_data (bytes, &size);

  *text = g_strndup (data != NULL ? data : "", size);
  return json_from_string (*text, NULL);
}

WeirExit
weir_client_call (WeirClient *self, const gchar *method, const gchar *path, const gchar *body,
    WeirAnswer *answer, gchar **problem)
{
  g_autofree gchar *whole = g_strconcat (API, path, NULL);
  g_autoptr (SoupMessage) message = make_message (self, method, whole, TRUE, problem);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (WeirAnswer) got = {0};
  guint status;

  if (message == NULL)
    return WEIR_EXIT_USAGE;
  if (body != NULL) {
    g_autoptr (GBytes) request = g_bytes_new (body, strlen (body));

    soup_message_set_request_body_from_bytes (message, "application/json", request);
  }
  bytes = soup_session_send_and_read (self->session, message, self->cancellable, &error);
  if (bytes == NULL) {
    *problem = describe_failure (self, error);
    return WEIR_EXIT_FAILED;
  }
  status = soup_message_get_status (message);
  got.envelope = parse_answer (bytes, &got.text);
  if (status != 200 || got.envelope == NULL || !JSON_NODE_HOLDS_OBJECT (got.envelope) ||
      !json_object_has_member (json_node_get_object (got.envelope), "result")) {
    *problem = describe_refusal (got.envelope, status);
    return get_exit (status);
  }
  got.result =
      json_node_ref (json_object_get_member (json_node_get_object (got.envelope), "result"));
  weir_answer_clear (answer);
  *answer = got;
  got = (WeirAnswer){0};
  return WEIR_EXIT_DONE;
}

/* @message's answer is not what was asked for. Returns: what it says */
static gchar *
read_refusal (WeirClient *self, SoupMessage *message, GInputStream *stream)
{
  g_autofree gchar *data = g_malloc0 (REFUSAL_MAX + 1);
  g_autoptr (JsonNode) envelope = NULL;
  gsize size = 0;

  g_input_stream_read_all (stream, data, REFUSAL_MAX, &size, self->cancellable, NULL);
  envelope = json_from_string (data, NULL);
  return describe_refusal (envelope, soup_message_get_status (message));
}

/* Returns: (nullable): the body of an answer 200 or 206; NULL with @status and @problem */
static GInputStream *
open_message (
    WeirClient *self, SoupMessage *message, guint64 *size, WeirExit *status, gchar **problem)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream =
      soup_session_send (self->session, message, self->cancellable, &error);
  guint code = soup_message_get_status (message);

  *status = WEIR_EXIT_FAILED;
  if (stream == NULL) {
    *problem = describe_failure (self, error);
    return NULL;
  }
  if (code != 200 && code != 206) {
    *problem = read_refusal (self, message, stream);
    *status = get_exit (code);
    return NULL;
  }
  if (size != NULL)
    *size = (guint64) MAX (
        0, soup_message_headers_get_content_length (soup_message_get_response_headers (message)));
  *status = WEIR_EXIT_DONE;
  return g_steal_pointer (&stream);
}

GInputStream *
weir_client_open (WeirClient *self, const gchar *path, const gchar *accept,
    const gchar *last_event_id, guint64 *size, WeirExit *status, gchar **problem)
{
  g_autofree gchar *whole = g_strconcat (API, path, NULL);
  g_autoptr (SoupMessage) message = make_message (self, "GET", whole, TRUE, problem);
  SoupMessageHeaders *headers;

  *status = WEIR_EXIT_USAGE;
  if (message == NULL)
    return NULL;
  headers = soup_message_get_request_headers (message);
  if (accept != NULL)
    soup_message_headers_append (headers, "Accept", accept);
  if (last_event_id != NULL)
    soup_message_headers_append (headers, "Last-Event-ID", last_event_id);
  return open_message (self, message, size, status, problem);
}

GInputStream *
weir_client_open_page (WeirClient *self, const gchar *path, guint64 *from, guint64 *size,
    WeirExit *status, gchar **problem)
{
  g_autoptr (SoupMessage) message = make_message (self, "GET", path, FALSE, problem);
  g_autoptr (GInputStream) stream = NULL;

  *status = WEIR_EXIT_USAGE;
  if (message == NULL)
    return NULL;
  if (*from > 0)
    soup_message_headers_set_range (
        soup_message_get_request_headers (message), (goffset) *from, -1);
  stream = open_message (self, message, size, status, problem);
  if (stream != NULL && soup_message_get_status (message) == 200)
    *from = 0;
  return g_steal_pointer (&stream);
}

WeirExit
weir_client_get_page (WeirClient *self, const gchar *path, gchar **text, gchar **problem)
{
  guint64 from = 0;
  gsize size = 0;
  WeirExit status;
  g_autoptr (GInputStream) stream =
      weir_client_open_page (self, path, &from, NULL, &status, problem);
  g_autofree gchar *data = NULL;
  g_autoptr (GError) error = NULL;

  if (stream == NULL)
    return status;
  data = g_malloc0 (PAGE_MAX + 1);
  if (!g_input_stream_read_all (stream, data, PAGE_MAX, &size, self->cancellable, &error)) {
    *problem = describe_failure (self, error);
    return WEIR_EXIT_FAILED;
  }
  *text = g_steal_pointer (&data);
  return WEIR_EXIT_DONE;
}

GBytes *
weir_client_fetch (const gchar *url, GError **error)
{
  g_autoptr (SoupSession) session = make_session (g_getenv ("WEIR_CA_FILE"), error);
  g_autoptr (SoupMessage) message = soup_message_new ("GET", url);
  g_autoptr (GBytes) bytes = NULL;

  if (session == NULL)
    return NULL;
  if (message == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "Not a URL");
    return NULL;
  }
  bytes = soup_session_send_and_read (session, message, NULL, error);
  if (bytes == NULL)
    return NULL;
  if (soup_message_get_status (message) != 200) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The server answered %u",
        soup_message_get_status (message));
    return NULL;
  }
  return g_steal_pointer (&bytes);
}
