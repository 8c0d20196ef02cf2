/** The cookie by which a server with an access token knows this browser. */
const COOKIE = 'mainstay_session';
const YEAR_S = 365 * 24 * 3600;

/** Whether the server asks for its access token. */
class Session {
  refused = $state(false);

  /** Keeps the token for this browser. Whether it is right shows with the next request. */
  enter(token: string) {
    const secure = location.protocol === 'https:' ? '; Secure' : '';
    document.cookie = `${COOKIE}=${token}; Path=/; SameSite=Strict; Max-Age=${YEAR_S}${secure}`;
    this.refused = false;
  }
}

export const session = new Session();
