"""Tell people: routes to chat groups, mailboxes and other systems, with the provider's own answer kept."""
