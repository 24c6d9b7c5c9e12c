#ifndef CORE_ADDRESS_H
#define CORE_ADDRESS_H

/* The address a registration's value names: "host:port" from JSON with host,
 * ip or address and port, or from plain host:port.  NULL if it names none.
 * Free the result. */
char *address_of_value(const char *value);

#endif
