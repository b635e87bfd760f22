/* common/error.h - one negative int tells what went wrong, everywhere: libuv's UV_E* pass through, ours begin
 * below them. Only MDG_ERR_* travel on the wire, where they are stable: a code is never reused or renumbered. */
#ifndef MADOGUCHI_COMMON_ERROR_H
#define MADOGUCHI_COMMON_ERROR_H

/* X(name, code, class): class is the command line's exit code for it (enum mdg_exit). */
#define MDG_ERRORS(X)                                                                                          \
    /* the call itself */                                                                                      \
    X(MDG_ERR_INVALID, -10001, MDG_EXIT_INPUT)      /* a field breaks a rule */                                \
    X(MDG_ERR_MALFORMED, -10002, MDG_EXIT_INPUT)    /* not a frame of this protocol */                         \
    X(MDG_ERR_TOO_LARGE, -10003, MDG_EXIT_INPUT)    /* a frame over its limit */                               \
    X(MDG_ERR_UNKNOWN_CALL, -10004, MDG_EXIT_INPUT) /* no such operation */                                    \
    X(MDG_ERR_VERSION, -10005, MDG_EXIT_CONFIG)     /* no protocol version in common */                        \
    X(MDG_ERR_HELLO_FIRST, -10006, MDG_EXIT_INPUT)  /* a call before hello */                                  \
    /* who asks */                                                                                             \
    X(MDG_ERR_FORBIDDEN, -10020, MDG_EXIT_DENIED)      /* roles or terminal kind do not allow it */            \
    X(MDG_ERR_SIGN_IN_NEEDED, -10021, MDG_EXIT_DENIED) /* nobody is signed in, or not any more */              \
    X(MDG_ERR_CONFIRM_NEEDED, -10022, MDG_EXIT_DENIED) /* the own secret is asked once more */                 \
    X(MDG_ERR_WRONG_SECRET, -10023, MDG_EXIT_DENIED)   /* name or secret is wrong: never says which */         \
    X(MDG_ERR_LOCKED, -10024, MDG_EXIT_DENIED)         /* too many wrong secrets */                            \
    X(MDG_ERR_REVOKED, -10025, MDG_EXIT_DENIED)        /* this terminal is not, or no longer, enrolled */      \
    X(MDG_ERR_CERTIFICATE_EXPIRED, -10026, MDG_EXIT_DENIED)                                                    \
    X(MDG_ERR_UNTRUSTED, -10027, MDG_EXIT_DENIED)     /* a certificate of another authority */                 \
    X(MDG_ERR_WRONG_CODE, -10028, MDG_EXIT_DENIED)    /* enrolment or one-day code */                          \
    X(MDG_ERR_TOKEN, -10029, MDG_EXIT_DENIED)         /* a write that waited: its sign-in does not cover it */ \
    X(MDG_ERR_SECOND_PERSON, -10030, MDG_EXIT_DENIED) /* needs another person, or the console */               \
    /* what stands there */                                                                                    \
    X(MDG_ERR_NOT_FOUND, -10040, MDG_EXIT_REFUSED)  /* absent, or not for the caller's eyes */                 \
    X(MDG_ERR_CONFLICT, -10041, MDG_EXIT_REFUSED)   /* clashes with what is there */                           \
    X(MDG_ERR_STALE, -10042, MDG_EXIT_REFUSED)      /* changed since the caller saw it */                      \
    X(MDG_ERR_CLOSED, -10043, MDG_EXIT_REFUSED)     /* the period is closed */                                 \
    X(MDG_ERR_KEY_REUSED, -10044, MDG_EXIT_REFUSED) /* request_key seen before with other content */           \
    X(MDG_ERR_TOO_OLD, -10045, MDG_EXIT_REFUSED)    /* waited longer than keys are kept */                     \
    X(MDG_ERR_STATE, -10046, MDG_EXIT_REFUSED)      /* not in this state of the record */                      \
    /* the house */                                                                                            \
    X(MDG_ERR_BUSY, -10060, MDG_EXIT_UNAVAILABLE) /* try again after retry_after_ms */                         \
    X(MDG_ERR_DISK_FULL, -10061, MDG_EXIT_UNAVAILABLE)                                                         \
    X(MDG_ERR_IO, -10062, MDG_EXIT_UNAVAILABLE)       /* the disk failed: the outcome is unknown */            \
    X(MDG_ERR_CORRUPT, -10063, MDG_EXIT_UNAVAILABLE)  /* a file is damaged */                                  \
    X(MDG_ERR_IN_USE, -10064, MDG_EXIT_CONFIG)        /* another process has it open */                        \
    X(MDG_ERR_NEWER, -10065, MDG_EXIT_CONFIG)         /* made by a newer program */                            \
    X(MDG_ERR_CONFIG, -10066, MDG_EXIT_CONFIG)        /* a setting or file of ours is wrong */                 \
    X(MDG_ERR_OFFLINE, -10067, MDG_EXIT_UNAVAILABLE)  /* the server cannot be reached */                       \
    X(MDG_ERR_DEADLINE, -10068, MDG_EXIT_UNAVAILABLE) /* no answer in time: the outcome is unknown */          \
    X(MDG_ERR_SHUTTING_DOWN, -10069, MDG_EXIT_UNAVAILABLE)                                                     \
    X(MDG_ERR_MEMORY, -10070, MDG_EXIT_UNAVAILABLE)   /* a budget or the machine's memory is spent */          \
    X(MDG_ERR_CRYPTO, -10071, MDG_EXIT_UNAVAILABLE)   /* OpenSSL or libsodium failed */                        \
    X(MDG_ERR_INTERNAL, -10072, MDG_EXIT_UNAVAILABLE) /* our own mistake, see the log */

/* The command line's exit codes, by class of error. */
enum mdg_exit {
    MDG_EXIT_OK = 0,
    MDG_EXIT_REFUSED = 1,     /* understood and refused by a rule, or not there */
    MDG_EXIT_INPUT = 2,       /* the call or the arguments are wrong */
    MDG_EXIT_DENIED = 3,      /* not allowed, not signed in, not enrolled */
    MDG_EXIT_UNAVAILABLE = 4, /* server, disk or network: try again */
    MDG_EXIT_CONFIG = 5       /* set-up: files, versions, ports */
};

enum mdg_error {
    MDG_OK = 0,
#define MDG_ERROR_ENUM(name, code, exit_class) name = (code),
    MDG_ERRORS(MDG_ERROR_ENUM)
#undef MDG_ERROR_ENUM
};

/* "MDG_ERR_CONFLICT", or libuv's name, or "MDG_ERR_INTERNAL" for what neither knows. Static. */
const char *mdg_error_name(int code);
/* 0 is MDG_EXIT_OK; UV_E* are MDG_EXIT_UNAVAILABLE. */
enum mdg_exit mdg_error_exit(int code);

#endif
