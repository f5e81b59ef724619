localStorage.setItem('who', 'mara'); document.getElementById('who').textContent = localStorage.getItem('who');
document.fonts.ready.then(() => parent.postMessage(document.getElementById('who').textContent + ' ' + getComputedStyle(document.getElementById('who')).color, '*'));
