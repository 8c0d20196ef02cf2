-- Files that runs leave behind, such as pictures of a page that failed. Only the newest runs keep theirs.
CREATE TABLE run_attachments (
    run TEXT NOT NULL,
    number INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (run, number)
);
