// A small app: signing in leaves a cookie, visits are kept in DATA_DIR, /echo is a
// WebSocket that says back what it hears.
const http = require('node:http'), fs = require('node:fs'), path = require('node:path'), crypto = require('node:crypto');
const kept = path.join(process.env.DATA_DIR, 'visits');
const page = fs.readFileSync(path.join(__dirname, 'page.html'), 'utf8');
const server = http.createServer((req, res) => {
  if (req.method === 'POST' && req.url === '/login') {
    res.writeHead(303, { Location: '/', 'Set-Cookie': 'sid=mara; Path=/; HttpOnly; SameSite=Lax' });
    return res.end();
  }
  if (req.url === '/visit') fs.appendFileSync(kept, '+');
  const visits = fs.existsSync(kept) ? fs.readFileSync(kept).length : 0;
  const who = (req.headers.cookie || '').includes('sid=mara') ? 'mara' : 'nobody';
  res.writeHead(200, { 'Content-Type': 'text/html' });
  res.end(page.replace('WHO', who).replace('VISITS', visits));
});
server.on('upgrade', (req, socket) => {
  const accept = crypto.createHash('sha1').update(req.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  socket.on('data', frame => { // one short masked text
    const n = frame[1] & 127, mask = frame.subarray(2, 6);
    if ((frame[0] & 15) !== 1) return socket.end();
    const text = Buffer.from(frame.subarray(6, 6 + n).map((b, i) => b ^ mask[i % 4]));
    socket.write(Buffer.concat([Buffer.from([129, text.length]), text]));
  });
  socket.on('error', () => {});
});
server.listen(process.env.PORT, '127.0.0.1');
