/* server/notify.h - tells the service manager how the server stands. Does nothing where none asks. Loop thread. */
#ifndef MADOGUCHI_SERVER_NOTIFY_H
#define MADOGUCHI_SERVER_NOTIFY_H

#include <stdint.h>

void notify_ready(void);
void notify_stopping(void);
void notify_alive(void);
/* How often it wants notify_alive(); 0: not at all. */
uint64_t notify_interval_ms(void);

#endif
